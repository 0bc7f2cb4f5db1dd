"""Send samples through an encoder: in blocks, resumable; and back."""
