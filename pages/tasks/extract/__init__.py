"""Turn samples into latents."""

TITLE = "Extract"
ICON = ":material/compress:"
POSITION = 3
