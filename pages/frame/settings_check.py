"""The check of the settings at the server's start, reported in its log."""

from __future__ import annotations

import logging

from latentcore.errors import LatentError
from latentcore.workflows import execute
from latentcore.workflows.settings import SettingsRequest

_LOG = logging.getLogger("latent_explorer")


def check() -> None:
    """Look for what is wrong with the settings."""
    try:
        found = execute("settings", SettingsRequest())
    except LatentError as error:
        _LOG.error("Settings: %s", error)
        return
    for note in found["notes"]:
        _LOG.warning("Settings: %s", note)
    _LOG.info("Settings checked: %d problems.", len(found["notes"]))
