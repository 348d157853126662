"""Scenarios: read, evaluate, compare, stress."""
