import tests/data/import/arrows.csv
