"""The h5ebsd layout, as far as vendors have it in common; see `latentcore.readers.ebsd`."""
