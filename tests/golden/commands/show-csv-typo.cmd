show policies/sites/cyara-small.yaml --csv --host engin-1
