"""Published tables in, series out."""
