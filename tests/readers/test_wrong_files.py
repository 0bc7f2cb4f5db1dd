"""What is said first of a file that is no data: what it is, and what to bring instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from latentcore import readers
from latentcore.errors import InputError

WEB_PAGE = b"\n<!DOCTYPE html>\n<html><title>Sign in</title></html>\n"
WRONG = (
    ("paper.h5", b"%PDF-1.7\n%\xe2\xe3\n" + b"x" * 3_000, "it is a PDF"),
    ("scan.h5oina", WEB_PAGE, "a web page, as a server gives one that wants a login"),
    ("notes.h5", b"to do: call Anna\n", "or a text file"),
    ("scan.up1x", b"PK\x03\x04 and so on", "'scan.up1x' is a zip archive"),
    ("model.pth", b"\x80\x04weights", "Give it as the encoder"),
    ("video.mp4", b"this is no video\n" * 100, "but is none that can be read"),
    ("figure.png", WEB_PAGE, "has the name of a picture or video, but is a web page"),
    ("table.xlsx", b"PK\x03\x04 and so on", "Save it as CSV, with the columns x and y"),
    ("arrays.npz", b"PK\x03\x04 and so on", "is no file of patterns, maps or latents"),
    ("empty.tsv", b"", "is empty"),
    ("header.csv", b"x,y,Fe\n", "export it again"),
    ("twice.csv", b"x,y,Fe\n0,0,1\n1,0,2\n1,0,3\n", "1 point shares its coordinates"),
)


@pytest.mark.parametrize(("name", "content", "words"), WRONG, ids=[name for name, *_ in WRONG])
def test_what_a_wrong_file_is_is_said_in_two_sentences(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        readers.open_maps(path)
    said = raised.value.brief or str(raised.value)
    assert words in said and name in said
    assert len(said) < 300 and "Tried:" not in said
