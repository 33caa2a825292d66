show policies/sites/demo.yaml --all
