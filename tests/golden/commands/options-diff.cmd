diff --host ce-1 tests/golden/commands/options.yaml tests/golden/commands/options-changed.yaml
