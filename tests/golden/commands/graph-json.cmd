graph policies/sites/cyara-small.yaml --json
