show policies/sites/example.yaml --host voss-proxy
