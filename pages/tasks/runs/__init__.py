"""Jobs in progress and past runs."""

TITLE = "Runs"
ICON = ":material/history:"
POSITION = 8
