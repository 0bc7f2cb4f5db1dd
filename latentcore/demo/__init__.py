"""The demo scan: a polycrystal whose truth is known, made by code from a seed.

Beside the code lies ``vae/``, a small model of that scan: the checkpoint ``demo:vae``. These two
commands, in an empty folder, made it::

    python -m latentcore demo --out demo
    python -m latentcore train demo/demo.h5 --preset small --device cpu --out vae
"""

from __future__ import annotations

from latentcore.demo.scan import DemoScan, make_demo_scan

__all__ = ["DemoScan", "make_demo_scan"]
