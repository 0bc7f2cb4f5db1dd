"""The tests mirror the rooms of `latentcore`."""
