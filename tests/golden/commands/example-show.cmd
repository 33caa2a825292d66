show policies/sites/example.yaml --host ce-1
