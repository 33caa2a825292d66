graph policies/sites/demo.yaml --all
