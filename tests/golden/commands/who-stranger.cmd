who --site policies/sites/cyara-small.yaml 203.0.113.77 can reach
