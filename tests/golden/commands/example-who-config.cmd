who --site policies/sites/example.yaml reaches config-1
