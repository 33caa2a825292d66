matrix policies/sites/cyara-small.yaml --json
