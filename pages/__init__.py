"""The dashboard: one folder per page below `tasks`, and the rooms that several pages share."""
