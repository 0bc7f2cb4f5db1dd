"""What latents are called on the pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from latentcore.artifacts import read_run
from latentcore.artifacts.run_label import LONGEST_NAME, RunLabel, read_label, write_label
from pages.access import places
from pages.jobs.latents_names import lasting_name, name_of, time_text

MakeRun = Callable[..., str]
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.replace(hour=8, minute=24, second=7)
RECIPE = {"background": "dynamic", "smooth": 1.0, "scale": "z_score"}


@pytest.fixture
def extracted(workspace: Path) -> MakeRun:
    """Return a function that writes the record of an extraction, and gives the latents' place."""

    def write(
        folder: str,
        encoder: str,
        size: int,
        moment: datetime,
        files: tuple[str, ...] = ("a",),
        **recipe: object,
    ) -> str:
        path = places.runs_folder() / folder
        path.mkdir(parents=True)
        names = [f"{name}_latents.h5" for name in files]
        for name in names:
            (path / name).touch()
        summary = {"encoder": encoder, "latent_dim": size, "preparation": {**RECIPE, **recipe}}
        record = {"verb": "extract", "created": moment.isoformat(), "summary": summary}
        record["files"] = {name: {"sha256": "", "bytes": 0} for name in names}
        (path / "run.json").write_text(json.dumps(record))
        return f"run:{folder}/{names[-1]}"

    return write


def test_latents_are_called_by_encoder_time_and_preparation(extracted: MakeRun) -> None:
    vae = extracted("extract-1", "vae-residual", 32, TODAY, nlpar=3)
    pca = extracted("extract-2", "pca", 30, TODAY)
    raw = dict.fromkeys(("background", "scale"), "none") | {"smooth": 0.0}
    old = extracted("extract-3", "supcon-resnet", 128, datetime(2019, 3, 7, 12, tzinfo=UTC), **raw)
    assert name_of(vae) == "VAE 32 · 08:24 · denoised"
    assert name_of(pca) == "PCA 30 · 08:24"
    assert name_of(old) == "ResNet 128 · Mar 7, 2019 · raw"
    assert lasting_name(pca) == f"PCA 30 · {TODAY:%b} {TODAY.day} 08:24"
    assert name_of("upload:0123/mine_latents.h5") == "mine_latents.h5"
    assert name_of("run:extract-9/gone_latents.h5") == "gone_latents.h5 · extract-9"


def test_two_alike_are_told_apart_by_seconds_and_then_by_number(extracted: MakeRun) -> None:
    day = f"{TODAY:%b} {TODAY.day}"
    one = extracted("extract-1", "pca", 30, TODAY)
    two = extracted("extract-2", "pca", 30, TODAY.replace(second=9))
    assert [name_of(one), name_of(two)] == [
        f"PCA 30 · {day} 08:24:07", f"PCA 30 · {day} 08:24:09"
    ]  # fmt: skip
    same = extracted("extract-3", "pca", 30, TODAY)
    assert {name_of(one), name_of(same)} == {
        f"PCA 30 · {day} 08:24:07", f"PCA 30 · {day} 08:24:07 (2)"
    }  # fmt: skip
    several = extracted("extract-4", "pca", 8, TODAY, files=("left", "right"))
    assert name_of(several) == "PCA 8 · 08:24 · right"


def test_a_given_name_wins_and_leaves_the_record_as_it_is(extracted: MakeRun) -> None:
    place = extracted("extract-1", "pca", 30, TODAY)
    folder = places.runs_folder() / "extract-1"
    before = (folder / "run.json").read_bytes()
    write_label(folder, RunLabel(" my\nbest  PCA ", "# not a *heading*\nsecond line"))
    assert name_of(place) == "my best PCA"
    assert read_label(folder).note == "# not a *heading*\nsecond line"
    assert (folder / "run.json").read_bytes() == before
    assert set((read_run(folder) or {})["files"]) == {"a_latents.h5"}
    write_label(folder, RunLabel("n" * 500))
    assert len(name_of(place)) == LONGEST_NAME
    write_label(folder, RunLabel())
    assert name_of(place) == "PCA 30 · 08:24"
    (folder / ".label.json").write_text('{"name": 3}')
    assert read_label(folder) == RunLabel()


def test_times_are_dates_once_the_day_is_over() -> None:
    assert time_text(NOW) == f"{NOW:%H:%M}"
    assert time_text(datetime(2020, 1, 5, 23, tzinfo=UTC)) == "Jan 5, 2020"
