check policies/sites/audiocodes-lpdm.yaml
