"""Train an encoder."""

TITLE = "Train"
ICON = ":material/model_training:"
POSITION = 2
