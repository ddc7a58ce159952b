"""`python -m fleet`: check, contract, schema, keys, sops, diff."""
