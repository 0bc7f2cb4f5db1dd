"""Windows has no fcntl, pwd or fork: nothing may need them to be imported, or to run the basics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

_WITHOUT_POSIX = """
import importlib, multiprocessing, os, pkgutil, signal, socket, subprocess, sys

# The standard library decides by these at its own import; what follows must do without.
missing = ("fcntl", "grp", "posix_ipc", "pty", "pwd", "resource", "syslog", "termios", "tty")
for name in missing:
    sys.modules[name] = None
for name in (
    "fork", "forkpty", "getpgid", "getuid", "geteuid", "getgid", "killpg", "pread", "preadv",
    "pwrite", "setsid", "sched_getaffinity", "sysconf", "statvfs", "chown", "mkfifo", "wait4",
):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGQUIT", "alarm", "pause"):
    if hasattr(signal, name):
        delattr(signal, name)

def refuse(method=None):
    if method in (None, "spawn"):
        return spawn
    raise ValueError(f"cannot find context for {method!r}")

spawn = multiprocessing.get_context("spawn")
multiprocessing.get_context = refuse
"""

_IMPORT_EVERYTHING = """
import latentcore, pages
for package in (latentcore, pages):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        last = found.name.rsplit(".", 1)[-1]
        # Running these is what they are for: the command line, and a page with its script.
        if last != "__main__" and not found.name.startswith("pages.tasks."):
            importlib.import_module(found.name)
"""

_DEMO_TO_CLUSTER = """
from pathlib import Path
from latentcore.workflows import VERBS, execute

def run(verb, out, **request):
    return execute(verb, VERBS.get(verb).request(**request), Path(out))

run("demo", "demo", size=16, pattern_size=16)
run("extract", "latents", location=("demo/demo.h5",), checkpoint="pca:4")
run("cluster", "clusters", latents="latents/demo_latents.h5", dim=0,
    map="demo/demo_bandcontrast.csv", method="kmeans", k=3)
assert list(Path("clusters").glob("cluster_report__*.json"))
"""


def run_without_posix(code: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_POSIX + code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LATENT_WORKSPACE": str(folder / "workspace")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_module_is_imported(tmp_path: Path) -> None:
    run_without_posix(_IMPORT_EVERYTHING, tmp_path)


def test_demo_to_clusters(tmp_path: Path) -> None:
    run_without_posix(_DEMO_TO_CLUSTER, tmp_path)
