check policies/sites/example.yaml
