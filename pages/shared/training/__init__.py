"""The Train page's parts: its questions, a training as it goes, and what came of it."""
