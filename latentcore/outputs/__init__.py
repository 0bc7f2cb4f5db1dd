"""Files that several verbs write: those of clusters and of latent maps."""
