"""The Explore page, in parts: question → answers → view, inspector and downloads."""
