who --site tests/policy/links.yaml what can ts-1 reach
