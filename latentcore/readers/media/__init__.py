"""Pictures and clips in files of their own, and folders of them."""
