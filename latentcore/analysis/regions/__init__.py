"""Numbers about named regions of a scan, alone and in pairs, and classes grown from them."""
