"""Rank latent dimensions against a reference map; compare partitions."""

TITLE = "Rank"
ICON = ":material/leaderboard:"
POSITION = 5
