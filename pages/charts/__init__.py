"""Plotly charts: one frame, one table of default color maps and limits."""
