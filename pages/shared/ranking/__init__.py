"""The Rank page: latent dimensions against reference maps and reference labels."""
