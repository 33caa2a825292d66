diff policies/sites/demo.yaml tests/golden/commands/demo-changed.yaml
