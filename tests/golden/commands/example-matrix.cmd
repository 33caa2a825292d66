matrix policies/sites/example.yaml
