diff tests/golden/commands/link-settings.yaml tests/golden/commands/link-settings-changed.yaml --host lb-2
