"""Readers of tables about samples, one file per format."""
