matrix policies/sites/cyara-small.yaml --format html
