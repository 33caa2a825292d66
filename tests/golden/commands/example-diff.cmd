diff policies/sites/example.yaml tests/golden/commands/example-changed.yaml
