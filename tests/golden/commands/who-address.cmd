who --site policies/sites/cyara-small.yaml reaches 10.20.1.13 tcp/1433
