export nft policies/sites/example.yaml --host stat-1
