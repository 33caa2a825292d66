graph policies/sites/example.yaml
