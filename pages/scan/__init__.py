"""The scan in view: which files it is made of, and what is in them."""
