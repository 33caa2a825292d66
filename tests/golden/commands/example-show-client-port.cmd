show policies/sites/example.yaml --host stat-1
