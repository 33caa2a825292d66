check policies/sites/voss.yaml
