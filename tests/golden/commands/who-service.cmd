who --site policies/sites/cyara-small.yaml reaches sql-1 1433/tcp
