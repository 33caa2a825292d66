show policies/sites/example.yaml --csv --host tserver-1
