import tests/data/import/columns.csv
