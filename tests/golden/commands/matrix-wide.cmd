matrix policies/sites/cyara-all.yaml
