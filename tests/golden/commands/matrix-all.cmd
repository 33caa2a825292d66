matrix policies/sites/demo.yaml --all --format csv
