"""Published figures checked against each other: facts, claims about them, findings."""
