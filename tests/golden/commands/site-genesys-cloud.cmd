check policies/sites/genesys-cloud.yaml
