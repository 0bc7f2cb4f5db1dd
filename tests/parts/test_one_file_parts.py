"""Whatever is added as one file is found by the command line, the pages and the reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.parts.toy_parts import PARTS
from tests.program_copy import copy_program


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Add all parts to a copy of the program, run it, and return what became of them."""
    program = tmp_path_factory.mktemp("program")
    copy_program(program)
    for path, text in PARTS.items():
        assert not (program / path).exists()
        (program / path).parent.mkdir(exist_ok=True)
        (program / path).write_text(text, encoding="utf-8")
    work = tmp_path_factory.mktemp("work")
    script = shutil.copy(Path(__file__).with_name("look.py"), work)
    environment = {
        **os.environ, "PYTHONPATH": str(program), "LATENT_WORKSPACE": str(work / "workspace")
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, script, str(work)],
        cwd=program, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_readers(found: Any) -> None:
    assert found["inspect"]["reader"] == "toy"
    assert found["extract"]["run"]["inputs"][0]["reader"] == "toy"  # samples
    assert found["project"]["run"]["inputs"][0]["reader"] == "toy"  # latents
    assert found["cluster"]["run"]["inputs"][1]["reader"] == "toy"  # maps
    assert found["table"] == ["toy"]


def test_a_clusterer(found: Any) -> None:
    assert "toy: how many" in found["help"]["cluster"]
    assert "toy" in found["offered"]["cluster"]["Method"]
    assert found["cluster"]["report"]["method"] == "toy"
    assert len(found["cluster"]["report"]["counts"]) == 3


def test_a_method_for_domains(found: Any) -> None:
    assert "--toy-height" in found["help"]["domains"]
    assert "toy" in found["offered"]["domains"]["Method"]
    assert found["domains"]["report"]["parameters"] == {"toy_height": 3}
    assert found["domains"]["report"]["n_domains"] == 1


def test_a_metric(found: Any) -> None:
    assert "toy" in found["offered"]["rank"]["Metric"]
    assert found["rank"]["report"]["metrics"] == ["toy"]


def test_a_probe(found: Any) -> None:
    assert "--toy-weight" in found["help"]["probe"]
    assert "toy" in found["offered"]["probe"]["Classifier"]
    assert found["probe"]["run"]["request"]["classifier"] == "toy"
    assert found["probe"]["report"]["parameters"] == {"toy_weight": 2}


def test_a_projection(found: Any) -> None:
    assert "--toy-scale" in found["help"]["project"]
    assert "toy" in found["offered"]["project"]["Method"]
    assert found["project"]["report"]["method"] == "toy"
    assert found["project"]["report"]["parameters"] == {"toy_scale": 2}


def test_a_preparation_step(found: Any) -> None:
    assert "toy_clip=LIMIT" in found["help"]["extract"].replace("\n", "").replace(" ", "")
    assert "Toy clip" in found["steps"]
    assert found["extract"]["run"]["request"]["prepare"] == []
    assert found["train"]["run"]["request"]["prepare"] == ["toy_clip=2"]


def test_a_trainable_encoder(found: Any) -> None:
    assert "toy-vae" in found["help"]["train"]
    assert "toy" in found["offered"]["train"]["Preset"]
    assert "toy-vae" in found["offered"]["train"]["Encoder"]
    assert found["train"]["run"]["summary"]["encoder"] == "toy-vae"


def test_an_encoder(found: Any) -> None:
    assert found["extract"]["run"]["summary"]["encoder"] == "toy-vae"


def test_a_verb(found: Any) -> None:
    assert "toy-count" in found["verbs"]
    assert "how often" in found["help"]["toy-count"]
    assert found["toy-count"]["report"] == {"count": 96}


def test_an_export_format(found: Any) -> None:
    assert "toy" in found["offered"]["export"]["Format"]
    assert found["export"]["report"]["notes"] == ["a toy"]
    assert "phases.toy" in found["export"]["run"]["files"]


def test_a_batch_executor(found: Any) -> None:
    assert "toy" in found["batch_help"]
    assert "toy" in found["executors"]
    assert json.loads(found["batch"])["finished"] == 1


def test_a_page(found: Any) -> None:
    assert "toy_page" in found["pages"]
    assert found["page"] == ["Toy page"]
