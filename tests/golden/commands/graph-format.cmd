graph policies/sites/cyara-small.yaml --format jpeg
