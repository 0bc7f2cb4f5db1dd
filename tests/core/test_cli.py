"""The parser is made from the requests, and exit statuses are as promised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from latentcore.cli import build_parser, main
from latentcore.errors import RequestError
from latentcore.workflows import VERBS
from tests.factories.kikuchi import write_kikuchi


def test_numbers_in_any_notation_are_values_not_options() -> None:
    parsed = build_parser().parse_args(
        ["map", "a.h5", "--dim", "3", "--limits", "-2e-4", "3e-4", "--out", "o"]
    )
    assert parsed.limits == [-2e-4, 3e-4]


def test_prepare_may_be_repeated_or_take_several_words() -> None:
    words = ["extract", "a.h5", "--checkpoint", "pca:2", "--out", "o"]
    parse = build_parser().parse_args
    one = parse([*words, "--prepare", "smooth=1", "scale=z_score"])
    two = parse([*words, "--prepare", "smooth=1", "--prepare", "scale=z_score"])
    assert one.prepare == two.prepare == ["smooth=1", "scale=z_score"]


@pytest.mark.parametrize("name", VERBS.names())
def test_help_of_every_verb(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert VERBS.get(name).summary in capsys.readouterr().out.replace("\n", " ").replace("  ", " ")


def test_bad_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["map", "a.h5"])
    assert stopped.value.code == 2
    assert "--dim" in capsys.readouterr().err


def test_bad_input_exits_with_2_one_message_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scan.h5").write_text("not HDF5")
    status = main(
        [
            "extract",
            str(tmp_path / "scan.h5"),
            "--checkpoint",
            "pca:2",
            "--out",
            str(tmp_path / "o"),
        ]
    )
    said = capsys.readouterr()
    assert status == 2
    assert said.err.startswith("UnknownFormatError: ")
    assert "Traceback" not in said.err
    assert said.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.h5"]


def test_interrupt_exits_with_130_and_no_folder(tmp_path: Path) -> None:
    write_kikuchi(tmp_path / "scan.h5")
    code = (
        "import signal, sys, time\n"
        # What runs in the background of a script was born deaf to Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from latentcore import cli, workflows\n"
        "from latentcore.readers.samples import kikuchi_hdf5\n"
        "import latentcore.inputs.samples as choice\n"
        "def slow(*args, **options):\n"
        "    print('reading', flush=True)\n"
        "    time.sleep(60)\n"
        "choice.open_samples = slow\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    words = ["extract", "scan.h5", "--checkpoint", "pca:2", "--out", "o"]
    running = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "reading\n"
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert errors.strip().endswith("Cancelled.")
    assert not (tmp_path / "o").exists()


def test_interrupt_during_the_imports_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'latentcore.cli':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    found = subprocess.run(
        [sys.executable, "-m", "latentcore", "demo", "--out", "o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (found.returncode, found.stderr) == (130, "Cancelled.\n")


def test_each_reader_of_an_error_gets_its_own_name_of_a_parameter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["extract", "a.h5", "--checkpoint", "pca:2", "--batch-size", "0"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 2
    assert "--batch-size 0 makes no progress" in capsys.readouterr().err
    error = RequestError("⟨batch_size⟩ 0 makes no progress, ⟨device⟩ neither.")
    assert str(error) == "batch_size 0 makes no progress, device neither."
    assert error.parameters == ("batch_size", "device")
    assert error.naming(str.upper).startswith("BATCH_SIZE 0 makes")


def test_every_verb_takes_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    names = [(name,) for name in VERBS.names() if name != "batch"]
    for words in [*names, ("batch", "map")]:
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        assert "--seed" in capsys.readouterr().out, words


@pytest.mark.parametrize("seed", ["-1", "99999999999"])
@pytest.mark.parametrize(
    "words",
    [
        ("project", "--method", "pca"),
        ("rank", "--map", "scan.csv"),
        ("novelty", "--reference", "a"),
    ],
)
def test_a_seed_that_none_can_take_is_said(
    words: tuple[str, ...], seed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *options = words
    out = tmp_path / "out"
    status = main([verb, "scan_latents.h5", *options, "--seed", seed, "--out", str(out)])
    assert (status, out.exists()) == (2, False)
    assert "seed must be from 0 to 4294967295" in capsys.readouterr().err


def test_values_of_an_option_that_is_given_twice_are_taken_together() -> None:
    parse = build_parser(["map"]).parse_args
    words = ["map", "a.h5", "--out", "o"]
    assert parse([*words, "--dim", "3", "4", "--dim", "5"]).dim == [3, 4, 5]
    assert parse([*words, "--dim", "3"]).dim == [3]


def test_what_has_no_dashes_is_named_without(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["extract", "--checkpoint", "pca:4", "--prepare", "scale=z_score", "a.h5", "--out", "o"]
    assert main(words) == 2
    assert "LOCATION is missing" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["cluster", "--help"])
    assert "with --dims" in capsys.readouterr().out
