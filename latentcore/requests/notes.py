"""Notes of a verb: a sentence for people, and a code for programs."""

from __future__ import annotations

from typing import Self


class Note(str):
    """A sentence that knows what it is about, however it is worded.

    Attributes
    ----------
    code : str
        The same for all notes of one kind.
    """

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, text: str) -> Self:
        """Make a note of a code and a sentence."""
        note = super().__new__(cls, text)
        note.code = code
        return note
