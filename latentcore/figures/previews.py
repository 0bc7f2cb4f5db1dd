"""A small picture of what a run found, made once and kept beside the run's record."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from latentcore.artifacts import write_atomic
from latentcore.errors import LatentError
from latentcore.figures.colors import (
    LATENT_COLORS,
    categorical_palette,
    continuous_rgb,
    hex_to_rgb,
)
from latentcore.readers import open_latents

# Hidden, as it is no artifact of the run.
_FILE = ".preview.webp"
_SIZE = (192, 128)
_LARGEST_PICTURE = 30_000_000
_LARGEST_LATENTS = 100_000_000
_LARGEST_TABLE = 100_000_000
_MOST_PIXELS = 60_000_000
_EMBEDDING = "embedding.parquet"
_SCORES = "latent_scores.csv"
_MOST_BARS = 32
# The figures that say most about a run, by what their names hold.
_FIRST = ("embedding", "cluster", "domains", "regions", "similarity", "prediction", "ranks")


def preview(folder: Path, run: Mapping[str, Any]) -> bytes:
    """Return a picture (WebP) of what the run in a folder found; empty where it left none.

    That is its most telling figure; for latents the map of the dimension that varies most, for a
    ranking the highest scores.
    """
    kept, record = folder / _FILE, folder / "run.json"
    try:
        if kept.stat().st_mtime_ns >= record.stat().st_mtime_ns:
            return kept.read_bytes()
    except OSError:
        pass
    made = _made(folder, run.get("files", {}))
    try:
        write_atomic(kept, made)
    except OSError:
        return made  # a folder that can't be written: made anew each time
    return made


def is_kept(folder: Path) -> bool:
    """Tell whether the picture of a run is there already."""
    return (folder / _FILE).is_file()


def _made(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> bytes:
    try:
        if files.get(_EMBEDDING, {}).get("bytes", _LARGEST_TABLE + 1) <= _LARGEST_TABLE:
            return _density(folder / _EMBEDDING)
        figure = _figure(files)
        if figure is not None:
            with Image.open(folder / figure) as opened:
                if opened.width * opened.height <= _MOST_PIXELS:
                    return _small(opened.convert("RGB"), Image.Resampling.LANCZOS)
        latents = next((name for name in files if name.endswith("_latents.h5")), None)
        if latents is not None and files[latents]["bytes"] <= _LARGEST_LATENTS:
            return _latent_map(folder / latents)
        if files.get(_SCORES, {}).get("bytes", _LARGEST_TABLE + 1) <= _LARGEST_TABLE:
            return _bars(folder / _SCORES)
    except (OSError, ValueError, LatentError, Image.DecompressionBombError):
        pass  # a list of runs must not fail over the picture of one
    return b""


def _figure(files: Mapping[str, Mapping[str, Any]]) -> str | None:
    pictures = [
        name
        for name, entry in files.items()
        if name.endswith(".png") and entry["bytes"] <= _LARGEST_PICTURE
    ]
    found = (name for word in _FIRST for name in pictures if word in name)
    return next(found, pictures[0] if pictures else None)


def _latent_map(path: Path) -> bytes:
    latents = open_latents(path)
    if latents.grid is None or len(latents.dims) == 0:
        return b""
    spread = np.nan_to_num(np.nanstd(latents.values, axis=0))
    values = latents.grid.to_map(latents.values[:, int(spread.argmax())])
    if not np.isfinite(values).any():
        return b""
    low, high = np.nanpercentile(values, [1, 99])
    colored = continuous_rgb(values, (float(low), float(high)), LATENT_COLORS)
    return _small(Image.fromarray(colored), Image.Resampling.NEAREST)


def _density(path: Path) -> bytes:
    """Draw where the points of an embedding lie, the more the brighter; nothing elsewhere."""
    import pandas as pd

    axes = pd.read_parquet(path).select_dtypes("floating").iloc[:, -2:].to_numpy(np.float64)
    axes = axes[np.isfinite(axes).all(axis=1)]
    bins = (_SIZE[1] // 4, _SIZE[0] // 4)
    counts = np.log1p(np.histogram2d(axes[:, 1], axes[:, 0], bins=bins)[0])[::-1]
    if not counts.any():
        return b""
    colored = continuous_rgb(counts, (-0.3 * counts.max(), counts.max()), LATENT_COLORS)
    opaque = np.where(counts > 0, 255, 0).astype(np.uint8)
    picture = Image.fromarray(np.dstack([colored, opaque]), "RGBA")
    return _small(picture, Image.Resampling.NEAREST)


def _bars(path: Path) -> bytes:
    """Draw the scores of a ranking as in its figure: by size, those below 0 in another color."""
    import pandas as pd

    scores = pd.read_csv(path).iloc[:, 1].to_numpy(np.float64)  # of its first metric
    scores = scores[np.isfinite(scores)]
    scores = scores[np.argsort(-np.abs(scores), kind="stable")][:_MOST_BARS]
    if not scores.any():
        return b""
    height = np.abs(scores) / np.abs(scores).max()
    from_below = np.arange(_SIZE[1])[::-1, None] / _SIZE[1]
    blue, _, _, _, orange = (hex_to_rgb(color) for color in categorical_palette()[:5])
    colors = np.where(scores[:, None] < 0, orange, blue).astype(np.uint8)
    picture = np.zeros((_SIZE[1], len(scores), 4, 4), np.uint8)  # three of four columns are drawn
    picture[..., :3, :3] = colors[:, None]
    picture[..., :3, 3] = np.where(from_below < height, 255, 0)[..., None]
    return _small(
        Image.fromarray(picture.reshape(_SIZE[1], -1, 4), "RGBA").resize(_SIZE, 0),
        Image.Resampling.NEAREST,
    )


def _small(picture: Image.Image, resampling: Image.Resampling) -> bytes:
    factor = min(_SIZE[0] / picture.width, _SIZE[1] / picture.height)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    content = io.BytesIO()
    picture.resize(size, resampling).save(content, "WEBP", quality=80)
    return content.getvalue()
