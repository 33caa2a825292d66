show policies/sites/example.yaml --host edge-1
