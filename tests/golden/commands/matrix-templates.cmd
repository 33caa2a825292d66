matrix policies/genesys-client-port.yaml --format markdown
