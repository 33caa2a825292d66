check tests/golden/commands/options.yaml
