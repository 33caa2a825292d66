show policies/sites/cyara-small.yaml --csv --role "Message Bus"
