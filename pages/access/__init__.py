"""The security boundary: which files, uploads and objects a session may read; no widgets."""
