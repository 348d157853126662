"""The rules of reconciliation, one module for each family."""
