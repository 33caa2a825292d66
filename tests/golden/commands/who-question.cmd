who --site policies/sites/cyara-small.yaml is there
