graph policies/sites/example.yaml --format mermaid
