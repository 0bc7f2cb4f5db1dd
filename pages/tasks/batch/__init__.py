"""Run one verb on many files."""

TITLE = "Batch"
ICON = ":material/table_rows:"
POSITION = 7
