"""Tiny files of every layout, written by code."""
