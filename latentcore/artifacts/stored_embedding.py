"""Embeddings that a run left behind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentcore.artifacts import read_run
from latentcore.artifacts.records import read_record
from latentcore.containers import Embedding, LatentSet
from latentcore.errors import JoinError, MalformedFileError
from latentcore.storage import content_fingerprint, local_path

if TYPE_CHECKING:
    import pandas as pd

# The panel of the first two principal components, which are computed wherever they are needed.
PCA_PANEL = "pca"
_ROWS_AT_ONCE = 1_000_000
_COLUMNS = ("sample_id", "U0", "U1")


@dataclass(frozen=True, eq=False)
class StoredEmbedding:
    """An embedding read from ``embedding.parquet``.

    Attributes
    ----------
    panel : str
        Names its panel on the screen: strokes drawn in one UMAP mean nothing in another.
    coordinates : ndarray of float32, shape (n, 2)
    report : dict
        What the run said of it: method, parameters, engine, scores. Empty where no report lies
        beside it.
    """

    panel: str
    coordinates: NDArray[np.float32]
    report: dict[str, object]
    fingerprint: str


def pca_panel(rows: NDArray[np.bool_] | None) -> str:
    """Return the panel of the PCA of some rows, shape (n,); of all where None."""
    if rows is None:
        return PCA_PANEL
    digest = hashlib.blake2b(np.packbits(rows).tobytes(), digest_size=4).hexdigest()
    return f"{PCA_PANEL}-{digest}"


def embedding_table(
    embedding: Embedding, latents: LatentSet, rows: slice = slice(None)
) -> pd.DataFrame:
    """Return sample_id, x and y where there is a grid, and U0, U1 (U2), in the latents' order."""
    import pandas as pd

    wanted = np.arange(len(latents))[rows]
    columns: dict[str, Any] = {"sample_id": latents.ids_of(wanted).astype(object)}
    if latents.grid is not None:
        columns |= {"x": latents.grid.x[rows], "y": latents.grid.y[rows]}
    columns |= {f"U{i}": column for i, column in enumerate(embedding.coordinates[rows].T)}
    return pd.DataFrame(columns)


def write_embedding(path: Path, embedding: Embedding, latents: LatentSet) -> None:
    """Write `embedding_table` as parquet, of many samples in pieces."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if len(latents) <= _ROWS_AT_ONCE:
        embedding_table(embedding, latents).to_parquet(path, index=False)
        return
    writer = None
    for start in range(0, len(latents), _ROWS_AT_ONCE):
        part = embedding_table(embedding, latents, slice(start, start + _ROWS_AT_ONCE))
        table = pa.Table.from_pandas(part, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def read_embedding(
    location: str, latents: LatentSet, rows: NDArray[np.bool_] | None = None
) -> StoredEmbedding:
    """Read the embedding of a set of latents, or of some of its rows.

    Parameters
    ----------
    location : str
        ``embedding.parquet``, as the verb ``project`` writes it.
    rows : ndarray of bool, shape (n,), optional
        Those that were embedded, if not all; the others get NaN.

    Raises
    ------
    MalformedFileError
        If the table has no columns U0 and U1.
    JoinError
        If it is about other samples.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = local_path(location)
    try:
        # ParquetFile says in one line what is wrong; read_table prints the whole schema.
        with pq.ParquetFile(path) as file:
            lacking = sorted({*_COLUMNS} - {*file.schema_arrow.names})
            table = file.read(columns=[*_COLUMNS]) if not lacking else None
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise MalformedFileError(_no_embedding(path, str(error))) from error
    if table is None:
        raise MalformedFileError(_no_embedding(path, f"it lacks {', '.join(lacking)}"))
    ids = np.asarray(table["sample_id"].to_pylist(), np.str_)
    wanted = latents.sample_ids if rows is None else latents.sample_ids[rows]
    if not np.array_equal(ids, wanted):
        message = (
            f"{path.name!r} holds {len(ids)} samples, which are not the {len(wanted)} samples of "
            "these latents. Run 'project' on these latents."
        )
        raise JoinError(message)
    coordinates = np.full((len(latents), 2), np.nan)
    coordinates[slice(None) if rows is None else rows] = np.column_stack(
        [table["U0"].to_numpy(), table["U1"].to_numpy()]
    )
    report = path.with_name("report.json")
    fingerprint = content_fingerprint(path)
    run = read_run(path.parent)
    name = (run or {}).get("run_id") or fingerprint.rpartition(":")[2]
    return StoredEmbedding(
        panel=f"umap-{name[:8]}",
        coordinates=coordinates.astype(np.float32),
        report=read_record(report, {}) if report.is_file() else {},
        fingerprint=fingerprint,
    )


def embedding_points(location: str | Path, most: int = 50_000) -> NDArray[np.float32]:
    """Return where the points of an embedding lie, to lay them under others.

    Parameters
    ----------
    location : path
        ``embedding.parquet``, or the folder of its run.
    most : int
        Of more points some are drawn, always the same.

    Returns
    -------
    ndarray of float32, shape (m, 2)

    Raises
    ------
    MalformedFileError
        If it is no embedding.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(location)
    path = path / "embedding.parquet" if path.is_dir() else path
    try:
        with pq.ParquetFile(path) as file:
            table = file.read(columns=[*_COLUMNS[1:]])
        points = np.column_stack([table[name].to_numpy() for name in _COLUMNS[1:]])
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise MalformedFileError(_no_embedding(path, str(error))) from error
    found: NDArray[np.float32] = points[np.isfinite(points).all(axis=1)].astype(np.float32)
    if len(found) > most:
        found = found[np.random.default_rng(0).permutation(len(found))[:most]]
    return found


def _no_embedding(path: Path, why: str) -> str:
    return (
        f"{path.name!r} is no embedding: {why}. "
        f"Give the embedding.parquet that the verb 'project' wrote, with {', '.join(_COLUMNS)}."
    )
