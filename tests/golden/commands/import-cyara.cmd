import tests/data/import/cyara.csv
