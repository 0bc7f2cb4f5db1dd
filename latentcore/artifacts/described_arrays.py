"""Arrays and the record that describes them in one safetensors file: no program, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts.json_text import from_json, to_json
from latentcore.artifacts.whole_files import write_atomic
from latentcore.errors import OtherVersionError
from latentcore.format_versions import WAY_OUT, WRITTEN_BY, other_version

_KEY = "latentcore"
_LARGEST = 4 << 30


def write_described(
    path: Path,
    kind: tuple[str, str],
    record: Mapping[str, Any],
    arrays: Mapping[str, NDArray[np.generic]],
) -> None:
    """Write arrays with their record; the file is replaced whole.

    Parameters
    ----------
    kind : tuple of str
        ``encoding-type`` and ``encoding-version`` of the record.
    """
    from safetensors.numpy import save

    marks = {"encoding-type": kind[0], "encoding-version": kind[1], "versions": WRITTEN_BY}
    whole = {**record, **marks}
    plain = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    write_atomic(path, save(plain, metadata={_KEY: to_json(whole)}))


def read_described(
    path: Path, kind: tuple[str, str]
) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    """Read arrays and their record.

    Raises
    ------
    OtherVersionError
        If the file is of another version.
    ValueError
        If it holds something else, or is too large.
    OSError
        If it can't be read.
    """
    from safetensors import SafetensorError, safe_open

    size = path.stat().st_size
    if size > _LARGEST:
        message = f"it has {size:,} bytes, and {_LARGEST:,} are the most"
        raise ValueError(message)
    try:
        with safe_open(path, "np") as file:
            record = from_json((file.metadata() or {}).get(_KEY, "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if not isinstance(record, dict) or record.get("encoding-type") != kind[0]:
        message = "its header is of something else"
        raise ValueError(message)
    if other := other_version(record, kind[1]):
        message = f"{path.name!r} {other}. {WAY_OUT}"
        raise OtherVersionError(message)
    return record, arrays
