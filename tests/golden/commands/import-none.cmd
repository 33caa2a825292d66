import nonesuch.csv
