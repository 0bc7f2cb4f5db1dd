"""Domains: connected parts of the scan whose latents are alike, as maps, objects and tables."""

TITLE = "Domains"
ICON = ":material/hexagon:"
POSITION = 4.5
