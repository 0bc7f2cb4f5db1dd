"""The verb ``settings``."""

from __future__ import annotations

from latentcore.workflows.settings.verb import SettingsRequest, check_settings

__all__ = ["SettingsRequest", "check_settings"]
