"""The whole server, for whoever looks after it."""

TITLE = "Server"
ICON = ":material/monitor_heart:"
POSITION = 8.5
FOR_OPERATORS = True
