check tests/golden/commands/two-edges.yaml
