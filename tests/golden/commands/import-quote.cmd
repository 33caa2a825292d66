import tests/data/import/quote.csv
