"""Virtual detectors on a pattern, and their map of the scan beside it, live while one drags."""
