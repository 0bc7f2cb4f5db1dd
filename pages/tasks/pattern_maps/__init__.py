"""Maps from patterns alone: quality, likeness of neighbors, virtual detectors."""

TITLE = "Pattern maps"
ICON = ":material/blur_on:"
POSITION = 1.5
