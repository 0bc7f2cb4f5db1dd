"""Named regions of the scan in view: kept on the server, listed, made and changed."""
