show policies/sites/cyara-small.yaml --csv
