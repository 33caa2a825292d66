who --site tests/golden/commands/names.yaml can reach audiocodes-lpdm/azure-blob
