"""The demo scan: a polycrystal whose truth is known, made by code from a seed."""

from __future__ import annotations

from latentcore.demo.scan import DemoScan, make_demo_scan

__all__ = ["DemoScan", "make_demo_scan"]
