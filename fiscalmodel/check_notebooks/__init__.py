"""Committed notebooks say what they said: guarded, executed again, compared number by number."""
