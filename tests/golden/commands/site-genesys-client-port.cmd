check policies/sites/genesys-client-port.yaml
