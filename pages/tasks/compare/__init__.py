"""Several encoders of the same samples, side by side."""

TITLE = "Compare"
ICON = ":material/compare:"
POSITION = 5.5
