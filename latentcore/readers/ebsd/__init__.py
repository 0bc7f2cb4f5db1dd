"""Vendors' EBSD files, one file for a vendor: its facts give both readers, of patterns and of maps.

Nearly all follow the h5ebsd layout (Jackson et al., Integrating Materials and Manufacturing
Innovation 3, 2014, doi:10.1186/2193-9772-3-4): a group per scan, in it ``EBSD/Data`` with one row
per point and ``EBSD/Header``. `latentcore.readers._ebsd` reads that layout; a module here says
what its vendor calls what, under the name of its samples reader.
"""

from __future__ import annotations

from latentcore.readers._ebsd.scan import Vendor
from latentcore.registry import Registry

__all__ = ["VENDORS"]

VENDORS: Registry[Vendor] = Registry("vendor", "latentcore.readers.ebsd")
