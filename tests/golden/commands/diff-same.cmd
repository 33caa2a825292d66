diff policies/sites/cyara-small.yaml policies/sites/cyara-small.yaml
