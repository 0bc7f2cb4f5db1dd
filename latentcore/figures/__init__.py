"""Figures from arrays: matplotlib for files, plotly for the screen, the same colours in both."""
