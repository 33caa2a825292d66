check tests/golden/commands/one-edge.yaml
