"""Readers of latents, one file per format."""
