export nft tests/golden/commands/options.yaml --host ce-1
