"""Readers of maps, one file per format."""
