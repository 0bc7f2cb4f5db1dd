"""Open pages notice when their user has signed out elsewhere, and let go of what they show.

A page that is open holds a connection whose user was known when it began. So its browser asks by
a request of its own, with the cookies that are left by then, through whatever proxy is in front.
"""

from __future__ import annotations

from pathlib import Path

from pages.access import identity

SCRIPT = Path(__file__).with_name("staying.js").read_text(encoding="utf-8")


def script() -> str:
    """Return the JavaScript that a page comes with; none where nobody signs in."""
    return SCRIPT if identity.way_in() else ""
