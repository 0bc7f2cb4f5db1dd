"""The linked panels: a browser component and the routes that serve its arrays."""
