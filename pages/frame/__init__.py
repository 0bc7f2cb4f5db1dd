"""What stands around every page: errors, addresses, navigation, theme."""
