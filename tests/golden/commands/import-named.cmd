import tests/data/import/cyara.csv --name vendor --title "A Vendor: Firewall Guide"
