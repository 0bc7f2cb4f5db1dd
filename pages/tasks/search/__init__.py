"""Find similar samples; probe latents with a classifier."""

TITLE = "Search"
ICON = ":material/image_search:"
POSITION = 6
