show policies/sites/cyara-small.yaml --csv --host engine-1
