graph tests/golden/commands/names.yaml
