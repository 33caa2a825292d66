graph policies/sites/cyara-small.yaml
