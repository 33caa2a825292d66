who --site policies/sites/cyara-small.yaml who can reach Voice Scheduler tcp/8001
