"""Linked panels over the latents of one scan."""

TITLE = "Explore"
ICON = ":material/hub:"
POSITION = 4
