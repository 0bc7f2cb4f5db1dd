"""Every error that the library raises on purpose.

::

    LatentError
    ├── InputError              what was given can't be used (exit status 2)
    │   ├── UnknownNameError    no part of that name is registered
    │   ├── UnknownFormatError  no reader recognizes the file
    │   ├── MalformedFileError  the file is of a known format but broken
    │   │   └── OtherVersionError  its format is of a version that isn't known here
    │   ├── UnsafeFileError     the file asks for something that a server must not do
    │   ├── CheckpointError     a checkpoint is damaged, or not of this encoder
    │   ├── ShapeError          sizes that don't fit together
    │   ├── JoinError           two tables can't be joined by coordinates
    │   ├── RequestError        a parameter's value makes no sense
    │   ├── SettingsError       a setting of the server is wrong
    │   └── StorageError        an object on S3 can't be reached, read or written
    └── Cancelled               somebody asked to stop (exit status 130)

A message says what was asked, what was found, what exists and what to do next. Parameters in it
are marked, ``⟨batch_size⟩``: the command line says ``--batch-size``, a page its label.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_PARAMETER = re.compile(r"⟨(\w+)⟩")
_LONGEST_WORD = 300
_LONGEST = 12_000


class LatentError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    message : str
        In full, as the command line says it.
    brief : str
        One or two sentences for somebody in front of a page: what is wrong, and the likely way
        out. Empty where the first line of the message serves.
    """

    def __init__(self, message: str = "", *, brief: str = "") -> None:
        super().__init__(presentable(message))
        self.brief = presentable(brief)

    def __str__(self) -> str:
        """Return the message, with parameters as Python calls them."""
        return self.naming(str)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that the message is about."""
        return tuple(dict.fromkeys(_PARAMETER.findall(super().__str__())))

    def naming(self, called: Callable[[str], str]) -> str:
        """Return the message with parameters named as the reader knows them.

        Parameters
        ----------
        called : callable
            Parameter → what to call it, for example ``"batch_size"`` → ``"--batch-size"``.
        """
        return naming(super().__str__(), called)


def naming(text: str, called: Callable[[str], str]) -> str:
    """Return a text with the parameters that are marked in it named as the reader knows them."""
    return _PARAMETER.sub(lambda found: called(found[1]), text)


def presentable(text: str) -> str:
    """Return text, parts of which files may have written, as it can be put before somebody.

    What can't be printed is escaped; long words and long texts lose their middle.
    """
    if not text.replace("\n", "").isprintable():
        text = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    if any(len(word) > _LONGEST_WORD for word in text.split()):
        text = re.sub(rf"\S{{{_LONGEST_WORD + 1},}}", lambda word: _cut(word[0], 200), text)
    return _cut(text, _LONGEST)


def quoted(name: object, most: int = 32) -> str:
    """Return a name that a file has given, in quotes; a long one loses its middle."""
    return repr(_cut(name, most) if isinstance(name, str) else name)


def cause(error: Exception) -> str:
    """Return what a library said of a file, as part of a sentence of ours."""
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return presentable(_cut(said, 200))


def _cut(text: str, most: int) -> str:
    end = min(47, most // 3)
    return text if len(text) <= most else f"{text[: most - end - 3]} … {text[-end:]}"


class InputError(LatentError):
    """What was given can't be used; the message says what to change."""


class UnknownNameError(InputError):
    """No part of that name is registered."""


class UnknownFormatError(InputError):
    """No reader recognizes the file."""


class MalformedFileError(InputError):
    """The file is of a known format, but its content breaks the format's rules."""


class OtherVersionError(MalformedFileError):
    """The file's format is of a version that this program doesn't know: most likely a newer one."""


class UnsafeFileError(InputError):
    """The file asks for something that a server must not do for a stranger."""


class CheckpointError(InputError):
    """A checkpoint is damaged, or belongs to something else."""


class ShapeError(InputError):
    """Sizes that don't fit together."""


class JoinError(InputError):
    """Two tables can't be joined by their coordinates."""


class RequestError(InputError):
    """A parameter's value makes no sense."""


class SettingsError(InputError):
    """A setting of the server is wrong."""


class StorageError(InputError):
    """An object on S3 can't be reached, read or written."""


class Cancelled(LatentError):  # noqa: N818 - a cancelled job is not an error, and is never shown as one
    """Somebody asked to stop."""
