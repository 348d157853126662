"""Charts, tables, workbooks and pages."""
