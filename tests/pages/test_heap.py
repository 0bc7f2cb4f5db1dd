"""The heap of a server."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# glibc marks in the word before a block whether it has pages of its own.
_SCRIPT = """
import ctypes, sys
import numpy as np
from pages.frame import heap

if sys.argv[1] == "tuned":
    heap.keep_in_few_pieces()
np.ones(3_000_000)  # gone at once: glibc would keep so much the next time
array = np.ones(500_000)
print(ctypes.c_size_t.from_address(array.ctypes.data - 8).value & 2)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
@pytest.mark.parametrize(("how", "own_pages"), [("plain", False), ("tuned", True)])
def test_a_large_array_has_pages_of_its_own_after_others_have_gone(how, own_pages) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT, how], capture_output=True, text=True, check=True
    )
    assert bool(int(ran.stdout)) is own_pages
