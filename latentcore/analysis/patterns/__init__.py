"""Maps that are computed from the patterns alone: quality, neighbors, virtual detectors."""
