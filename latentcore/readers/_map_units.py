"""The unit of a map, as far as its name tells."""

from __future__ import annotations

import re

__all__ = ["unit_of"]

_SYMBOLS = frozenset(
    re.findall(
        "[A-Z][a-z]?",
        "HHeLiBeBCNOFNeNaMgAlSiPSClArKCaScTiVCrMnFeCoNiCuZnGaGeAsSeBrKrRbSrYZrNbMoTcRuRhPdAgCdInSn"
        "SbTeIXeCsBaLaCePrNdPmSmEuGdTbDyHoErTmYbLuHfTaWReOsIrPtAuHgTlPbBiPoAtRnFrRaAcThPaUNpPuAm",
    )
)
_SUFFIXES = {"deg": "°", "um": "µm", "px": "px", "rad": "rad"}
_EULER = re.compile(r"^(eul|euler)_?[123]$")
_BRACKETED = re.compile(r"[\[(]\s*([^\])]+?)\s*[\])]\s*$")


def unit_of(name: str) -> str:
    """Return a map's unit: ``%`` for elements (mass), ``°`` for ``phi1_deg``, ``""`` if unknown.

    Element tables and indexing tables of the field name no units; theirs are mass percent and
    degrees.
    """
    if name in _SYMBOLS:
        return "%"
    bracketed = _BRACKETED.search(name)
    if bracketed:
        return bracketed.group(1)
    if _EULER.match(name.lower()):
        return "°"
    return _SUFFIXES.get(name.lower().rpartition("_")[2], "")
