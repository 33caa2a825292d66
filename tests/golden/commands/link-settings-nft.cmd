export nft tests/golden/commands/link-settings.yaml --host lb-1
