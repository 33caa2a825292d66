who --site tests/golden/commands/audit.yaml can reach sql-1
