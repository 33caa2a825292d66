show tests/golden/commands/options.yaml --host ce-1
