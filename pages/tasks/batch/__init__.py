"""Carry out one verb for many files."""

TITLE = "Batch"
ICON = ":material/table_rows:"
POSITION = 7
