"""Files, damaged in every way that copying, cutting and malice know."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["damage"]

_NUMBER = re.compile(rb"(?<![A-Za-z0-9_.])-?\d+(?:[.,]\d+)?")
_INSTEAD = (
    b"1000000000000000000", b"-1", b"0", b"NaN", b"inf", b"1e999", b"abc", b"", b"9" * 5_000,
    b"-1e18", b"4294967295", b"0x10", "²".encode(), b"1,5",
)  # fmt: skip
_WORDS = (0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 10**18, 2**63 - 1, 2**64 - 1)

_Damage = Callable[[bytes, np.random.Generator], bytes]


def damage(path: Path, rng: np.random.Generator) -> str:
    """Damage one file, of a folder most often one that says what the others mean; tell how."""
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    files += [one for one in sorted(path.parent.iterdir()) if one.is_file() and one != path]
    chosen = files[int(rng.integers(len(files)))]
    name = str(rng.choice(sorted(_DAMAGES)))
    content = chosen.read_bytes()
    chosen.write_bytes(_DAMAGES[name](content, rng))
    return f"{name} of {chosen.name}" if len(files) > 1 else name


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _flip(content: bytes, rng: np.random.Generator, most: int = 6) -> bytes:
    changed = bytearray(content)
    end = len(changed) if rng.random() < 0.5 else min(len(changed), 2_048)
    for place in rng.integers(0, end, int(rng.integers(1, most))) if end else ():
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _number(content: bytes, rng: np.random.Generator) -> bytes:
    """Put nonsense in the place of a number that is written as text, else of one that is binary."""
    places = [found.span() for found in _NUMBER.finditer(content[: 1 << 16])]
    is_text = b"\0" not in content[:4_096]
    if not is_text or not places:
        return _word(content, rng)
    # Most numbers are values; those of the header come first.
    first, last = places[int(len(places) * rng.random() ** 3)]
    return content[:first] + _INSTEAD[int(rng.integers(len(_INSTEAD)))] + content[last:]


def _word(content: bytes, rng: np.random.Generator) -> bytes:
    size = int(rng.choice([1, 2, 4, 8]))
    if len(content) <= size:
        return content
    place = int((len(content) - size) * rng.random() ** 3)
    value = _WORDS[int(rng.integers(len(_WORDS)))] & ((1 << 8 * size) - 1)
    return content[:place] + value.to_bytes(size, "little") + content[place + size :]


def _doubled_line(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.split(b"\n")
    place = int(rng.integers(len(lines)))
    return b"\n".join([*lines[:place], lines[place], *lines[place:]])


def _long(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content) + 1))
    return content[:place] + bytes([int(rng.integers(32, 256))]) * 20_000 + content[place:]


def _always(change: Callable[[bytes], bytes]) -> _Damage:
    return lambda content, _: change(content)


def _text(encoding: str) -> _Damage:
    return _always(lambda content: content.decode("latin-1").encode(encoding, "replace"))


_DAMAGES: dict[str, _Damage] = {
    "cut": _cut,
    "flip": _flip,
    "flip many": lambda content, rng: _flip(content, rng, 60),
    "number": _number,
    "number again": lambda content, rng: _number(_number(content, rng), rng),
    "word": _word,
    "doubled line": _doubled_line,
    "long": _long,
    "empty": _always(lambda _: b""),
    "crlf": _always(lambda content: content.replace(b"\n", b"\r\n")),
    "cr": _always(lambda content: content.replace(b"\n", b"\r")),
    "bom": _always(lambda content: b"\xef\xbb\xbf" + content),
    "utf-16": _text("utf-16"),
    "utf-8 twice": _text("utf-8"),
    "zeros": lambda content, rng: content + bytes(int(rng.integers(1, 5_000))),
}
