import tests/data/import/voss.csv
