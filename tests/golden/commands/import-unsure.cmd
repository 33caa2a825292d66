import tests/data/import/unsure.csv
