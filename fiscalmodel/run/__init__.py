"""Running notebooks: one report, or thousands."""
