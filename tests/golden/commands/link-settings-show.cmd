show tests/golden/commands/link-settings.yaml --all
