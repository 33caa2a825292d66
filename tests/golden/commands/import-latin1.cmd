import tests/data/import/latin1.csv
