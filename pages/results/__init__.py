"""Past runs: their files, their records, and the way from a run to a page."""
