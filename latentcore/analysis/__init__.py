"""Pure functions from arrays to results: nothing here reads a file, writes one or draws."""
