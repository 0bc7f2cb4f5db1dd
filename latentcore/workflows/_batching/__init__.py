"""One verb over many inputs: what is to be done, what was done, and where it is carried out."""
