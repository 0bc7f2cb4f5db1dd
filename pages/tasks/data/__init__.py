"""Open a scan and see what is in it."""

TITLE = "Data"
ICON = ":material/dataset:"
POSITION = 1
