"""The Search page, in parts: what is searched for, what is found, and the probe."""
