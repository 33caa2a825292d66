who --site policies/sites/example.yaml can reach cyara/mssql
