who --site policies/sites/cyara-small.yaml can reach sql-1 --json
