"""Take the pictures of the documentation from the running app: ``python -m docs.pictures [NAME]…``.

Needs Chromium and the packages of the tests. The demo scan and small files made here are opened by
address, so that everybody's pictures show the same.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import pandas as pd
from PIL import Image

from latentcore.analysis.selection import Shape
from latentcore.cli import main as latentcore
from pages.view.question import Question
from pages.view.question_link import to_query
from tests.browser_support import REPOSITORY, chromium, streamlit_server
from tests.factories.media import write_picture
from tests.factories.nenya import cutouts, write_cutouts

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["PICTURES", "take"]

_FOLDER = Path(__file__).parent
_ROOT = "measured"
_SIZE = (1480, 1060)
_PATIENCE_S = 900
# Twice the same picture this long after one another: the page has come to rest.
_REST_S = 6.0
_IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass(frozen=True)
class Picture:
    """One picture: a page, the scan in view, and the question that Explore shows."""

    page: str
    scan: tuple[tuple[str, str], ...] = ()
    question: Question = field(default_factory=Question)

    def address(self) -> str:
        """Return path and query."""
        return f"/{self.page}?{urlencode([*self.scan, *to_query(self.question).items()])}"


def _circle(x: float, y: float, radius: float) -> tuple[tuple[float, float], ...]:
    angles = [2 * math.pi * turn / 40 for turn in range(40)]
    return tuple((x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles)


def _files(**places: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, f"folder:{_ROOT}/{name}" if name else "") for key, name in places.items())


_BRUSHED = Question(
    dim=0, selections={"A": (Shape("map", "lasso", _circle(153, 67, 13)),), "B": ()}, pinned=1868
)
PICTURES = {
    "explore": Picture("", question=_BRUSHED),
    "pictures/ebsd_data": Picture("data"),
    "pictures/ebsd_explore": Picture("", question=_BRUSHED.changed(color="bandcontrast", dim=1)),
    "pictures/ebsd_rank": Picture("rank"),
    "pictures/train": Picture("train"),
    "pictures/sst_explore": Picture(
        "",
        _files(samples="sst.h5", latents="sst/sst_latents.h5", maps="sst_table.csv"),
        Question(embedding="pca", color="DT"),
    ),
    "pictures/media_explore": Picture(
        "",
        _files(samples="pictures", latents="media/pictures_latents.h5", maps="pictures.csv"),
        Question(embedding="pca", color="kind", pinned=7),
    ),
    "pictures/molecules_explore": Picture(
        "",
        _files(samples="", latents="kinases.npz", maps="kinases.csv"),
        Question(embedding="pca", color="pIC50"),
    ),
}


def _sea(folder: Path) -> None:
    images = cutouts(400, 32)
    write_cutouts(folder / "sst.h5", valid=images)
    rng = np.random.default_rng(1)
    flat = images.reshape(len(images), -1)
    low, high = np.percentile(flat, (10, 90), axis=1)
    place = {"lat": rng.uniform(-45, 45, 400), "lon": rng.uniform(-60, 20, 400)}
    table = {"partition": "valid", "row": range(400), "DT": high - low, **place}
    pd.DataFrame(table).to_csv(folder / "sst_table.csv", index=False)
    _extract(folder, "sst.h5", "sst", "scale=demean")


def _media(folder: Path) -> None:
    y, x = np.mgrid[-1:1:48j, -1:1:48j]
    rng = np.random.default_rng(2)
    kinds: dict[str, Callable[[float, float], np.ndarray]] = {
        "rings": lambda wide, turn: np.cos((4 + 8 * wide) * np.hypot(x, y) + turn),
        "stripes": lambda wide, turn: np.cos(
            (4 + 8 * wide) * (x * np.cos(turn) + y * np.sin(turn))
        ),
        "spots": lambda wide, turn: np.cos((4 + 8 * wide) * x + turn) * np.cos((4 + 8 * wide) * y),
    }
    for kind, make in kinds.items():
        for number in range(60):
            drawn = make(rng.random(), 3 * rng.random())[:, :, None] * rng.uniform(0.3, 1, 3)
            pixels = np.clip(128 + 110 * drawn + 12 * rng.normal(size=drawn.shape), 0, 255)
            name = f"{number:03d}.png"
            write_picture(folder / "pictures" / kind / name, pixels.astype(np.uint8))
    names = [f"{kind}/{number:03d}.png" for kind in kinds for number in range(60)]
    table = {"sample_id": names, "kind": [name.split("/")[0] for name in names]}
    pd.DataFrame(table).to_csv(folder / "pictures.csv", index=False)
    _extract(folder, "pictures", "media", "scale=z_score")


def _molecules(folder: Path) -> None:
    rng = np.random.default_rng(3)
    family = rng.integers(0, 5, 500)
    features = (rng.normal(0, 2, (5, 24))[family] + rng.normal(size=(500, 24))).astype(np.float32)
    affinity = 6 + family / 2 + rng.normal(0, 0.4, 500)
    np.savez(folder / "kinases.npz", X=features, y=affinity)
    table = {"sample_id": range(500), "pIC50": affinity, "family": family}
    pd.DataFrame(table).to_csv(folder / "kinases.csv", index=False)


def _extract(folder: Path, name: str, out: str, scale: str) -> None:
    request = ["extract", str(folder / name), "--checkpoint", "pca:8", "--prepare", scale]
    status = latentcore([*request, "--out", str(folder / out), "--quiet"])
    assert status == 0


def take(names: Sequence[str]) -> None:
    """Start the app and take these pictures."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / _ROOT
        root.mkdir()
        for write in (_sea, _media, _molecules):
            write(root)
        env = {"LATENT_WORKSPACE": str(Path(made) / "workspace"), "LATENT_DATA_ROOTS": str(root)}
        with (
            streamlit_server(REPOSITORY / "app.py", env=env, timeout=300) as url,
            chromium() as browser,
        ):
            for name in names:
                context = browser.new_context(viewport={"width": _SIZE[0], "height": _SIZE[1]})
                page = context.new_page()
                page.goto(url + PICTURES[name].address(), timeout=300_000)
                _at_rest(page)
                for strip in page.get_by_role("button", name="Got it").all():
                    strip.click()
                _save(_at_rest(page), _FOLDER / f"{name}.webp")
                context.close()


def _at_rest(page: Page) -> bytes:
    """Return the first picture of the page that doesn't change any more."""
    before, end = "", time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        page.wait_for_timeout(1000 * _REST_S)
        picture = page.screenshot(timeout=120_000)
        digest = hashlib.sha256(picture).hexdigest()
        # As long as a job runs for the page, it offers to cancel it.
        waiting = page.get_by_role("button", name="Cancel").count()
        if page.get_by_text("incident").count():
            message = f"{page.url} shows a fault of the program."
            raise RuntimeError(message)
        if digest == before and not waiting and page.locator(_IDLE).count():
            return picture
        before = digest
    message = f"{page.url} still changes after {_PATIENCE_S} s."
    raise TimeoutError(message)


def _save(picture: bytes, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.open(io.BytesIO(picture)).convert("RGB").save(path, lossless=True, quality=100, method=6)
    print(f"{path.relative_to(REPOSITORY)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation.")
    parser.add_argument("names", nargs="*", default=list(PICTURES), metavar="NAME")
    take(parser.parse_args().names)
