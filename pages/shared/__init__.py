"""What the pages share: places, the scan in view, cached loaders, errors and looks."""
