graph policies/audiocodes-lpdm.yaml
