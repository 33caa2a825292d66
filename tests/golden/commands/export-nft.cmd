export nft policies/sites/demo.yaml --host call-engine
