who --site policies/sites/cyara-small.yaml reaches sql-1 udp/9 --json
