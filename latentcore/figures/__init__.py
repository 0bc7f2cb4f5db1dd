"""Figures from arrays: matplotlib for files, plotly for the screen, the same colors in both."""
