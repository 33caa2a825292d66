who --site policies/sites/cyara-small.yaml what can "Call Engine" reach
