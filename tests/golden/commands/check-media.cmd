check policies/cyara.yaml
