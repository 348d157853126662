"""Bytes to cells to numbers to tables: the one door for every file and small table."""
