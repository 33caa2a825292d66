who --site policies/sites/cyara-small.yaml 10.20.0.3 can reach
