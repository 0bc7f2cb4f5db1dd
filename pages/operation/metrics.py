"""What Prometheus asks for, in its text format.

Nearly all of it is known already and only read when somebody asks, so that a few lines of text
serve where a client library would keep a second account.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path

from streamlit.runtime import Runtime
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY

from latentcore.encoders.gpu_lease import WAITING, leases
from latentcore.version import __version__
from pages.access import disk
from pages.frame.measured import JOB_SECONDS, PAGE_SECONDS, Histogram
from pages.jobs.server import server_runner
from pages.panels.array_store import array_store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_MOST_JOBS = 1000
_STATUS = Path("/proc/self/status")
_OPEN_FILES = Path("/proc/self/fd")


def text() -> str:
    """Return all metrics as they are now."""
    return "\n".join([*_lines(), ""])


def sessions() -> int:
    """Return how many browsers' tabs are connected."""
    if not Runtime.exists():
        return 0
    stats = Runtime.instance().stats_mgr.get_stats([ACTIVE_SESSIONS_FAMILY])
    return sum(getattr(one, "value", 0) for one in stats.get(ACTIVE_SESSIONS_FAMILY, ()))


def memory() -> int | None:
    """Return the bytes of memory that this process holds, None where nothing says."""
    try:
        status = _STATUS.read_text(encoding="ascii")
    except OSError:
        return None
    return next(
        (1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")),
        None,
    )


def _lines() -> Iterator[str]:
    yield from _gauge("latent_info", "The version.", {_labels(version=__version__): 1})
    yield from _jobs()
    yield from _histogram("latent_job_seconds", "How long jobs have worked.", JOB_SECONDS)
    yield from _histogram(
        "latent_page_run_seconds", "How long the script of a page has run.", PAGE_SECONDS
    )
    store = array_store()
    plain = {
        "latent_sessions": ("Tabs that are connected.", sessions()),
        "latent_array_store_bytes": ("Arrays held for browsers.", store.nbytes),
        "latent_array_store_arrays": ("How many they are.", len(store)),
        "latent_upload_bytes": ("Uploaded files.", disk.uploads().total()),
        "latent_run_bytes": ("Run folders.", disk.runs().total()),
        "latent_cache_bytes": ("Copies of objects, and what is built of them.", disk.cached()),
        "process_resident_memory_bytes": ("Memory of the server's process.", memory()),
        "process_open_fds": ("Open files of the server's process.", _open_files()),
        "process_threads": ("Threads of the server's process.", threading.active_count()),
    }
    for name, (help_text, value) in plain.items():
        if value is not None:
            yield from _gauge(name, help_text, {"": value})


def _jobs() -> Iterator[str]:
    records = server_runner().list(_MOST_JOBS)
    states = Counter(_labels(verb=one.verb, state=one.state) for one in records)
    yield from _gauge("latent_jobs", "Jobs on record.", states)
    active = Counter(one.state for one in records if one.active)
    yield from _gauge("latent_jobs_queued", "Jobs that wait.", {"": active["queued"]})
    yield from _gauge("latent_jobs_running", "Jobs that work.", {"": active["running"]})
    waiting = sum(one.state == "running" and one.message == WAITING for one in records)
    yield from _gauge("latent_gpu_lease_waiting", "Jobs that wait for a GPU.", {"": waiting})
    held = {_labels(gpu=name): int(works) for name, works in leases().items()}
    yield from _gauge("latent_gpu_lease_held", "Whether somebody works on the GPU.", held)


def _gauge(name: str, help_text: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from (f"# HELP {name} {help_text}", f"# TYPE {name} gauge")
    yield from (f"{name}{labels} {value}" for labels, value in sorted(values.items()))


def _histogram(name: str, help_text: str, histogram: Histogram) -> Iterator[str]:
    yield from (f"# HELP {name} {help_text}", f"# TYPE {name} histogram")
    bounds = [*map(str, histogram.bounds), "+Inf"]
    for values, series in sorted(histogram.series().items()):
        own = dict(zip(histogram.labels, values, strict=True))
        below = list(accumulate(series.counts))
        for bound, count in zip(bounds, below, strict=True):
            yield f"{name}_bucket{_labels(**own, le=bound)} {count}"
        yield f"{name}_sum{_labels(**own)} {series.sum}"
        yield f"{name}_count{_labels(**own)} {below[-1]}"


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _open_files() -> int | None:
    try:
        return sum(1 for _ in _OPEN_FILES.iterdir())
    except OSError:
        return None
