"""The eleven Laue groups, and to which of them space groups and point groups belong.

Source: International Tables for Crystallography, volume A.
"""

from __future__ import annotations

import re
from bisect import bisect_left

# In the order in which Channel 5 and AZtec number them, from 1.
LAUE_GROUPS = (
    "-1", "2/m", "mmm", "4/m", "4/mmm", "-3", "-3m", "6/m", "6/mmm", "m-3", "m-3m",
)  # fmt: skip
# −3m whose twofold axes lie between the a axes (as in P-31m), not along them.
BETWEEN_A = "-31m"
_LAST_SPACE_GROUPS = (2, 15, 74, 88, 142, 148, 167, 176, 194, 206, 230)
_BETWEEN_A_SPACE_GROUPS = (149, 151, 153, 157, 159, 162, 163)
_POINT_GROUPS = {
    "-1": "1 -1",
    "2/m": "2 m 2/m 121 1m1 12/m1",
    "mmm": "222 mm2 m2m 2mm mmm",
    "4/m": "4 -4 4/m",
    "4/mmm": "422 4mm -42m -4m2 4/mmm",
    "-3": "3 -3",
    "-3m": "32 3m -3m 321 3m1 -3m1",
    BETWEEN_A: "312 31m -31m",
    "6/m": "6 -6 6/m",
    "6/mmm": "622 6mm -6m2 -62m 6/mmm",
    "m-3": "23 m-3 m3",
    "m-3m": "432 -43m m-3m m3m",
}
_LAUE_OF = {point: laue for laue, points in _POINT_GROUPS.items() for point in points.split()}
_BRACKETED = re.compile(r"\[([^\]]*)\]")


def laue_of_space_group(number: int) -> str | None:
    """Return the Laue group of a space group by its number, 1–230; None for other numbers.

    Of the trigonal ones those with twofold axes between the a axes are ``"-31m"``.
    """
    if not 1 <= number <= _LAST_SPACE_GROUPS[-1]:
        return None
    if number in _BETWEEN_A_SPACE_GROUPS:
        return BETWEEN_A
    return LAUE_GROUPS[bisect_left(_LAST_SPACE_GROUPS, number)]


def laue_of_point_group(text: str) -> str | None:
    """Return the Laue group of a point group in Hermann–Mauguin symbols; None for other texts.

    Parameters
    ----------
    text : str
        Such as ``"m-3m"``, ``"6/m m m"``, or EDAX' ``"Cubic (Oh) [m3m]"``.
    """
    bracketed = _BRACKETED.search(text)
    symbol = bracketed[1] if bracketed else text
    return _LAUE_OF.get(re.sub(r"\s+", "", symbol).replace("\u2212", "-").lower())
