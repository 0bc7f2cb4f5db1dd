"""Maps as text, and Channel 5's records."""

from __future__ import annotations

from tests.factories.ebsd_files import write_ang, write_channel5, write_ctf
from tests.factories.layouts._layout import Layout

__all__ = ["LAYOUTS"]

LAYOUTS = (
    Layout("ang", "maps", "scan.ang", write_ang, unit="µm", cut_is_shorter=True),
    Layout("ctf", "maps", "scan.ctf", write_ctf, unit="µm", cut_is_shorter=True),
    Layout("channel5", "maps", "scan.cpr", write_channel5, any_order=False, unit="µm"),
)
