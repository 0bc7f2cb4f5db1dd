"""Measure one server with many visitors at once, and with many scans opened one after the other.

    python -m benchmarks.bench_visitors [--visitors 20] [--browsers 2] [--minutes 10] [--scans 340]

Visitors are sessions that speak Streamlit's protocol: each acts every few seconds (goes to another
page, or changes a slider or a number of the one that it is on, or reloads), three of four over the
demo, the others over a scan of 131,500 points. Real browsers go from page to page besides, and
fetch what these need. Printed are, over time, the server's memory, threads, open files and what
lies in the folder for temporary files; then the seconds from an action to the end of the run of
the page, and the processor time of the server for each. Afterwards scans of 100 × 100 points are
opened, each in a session of its own. What the server has when all have left is told, too, and at
the end stands the verdict: what was wanted and what was found; the status is 1 where it differs.

One reading of the memory differs from the next by up to a tenth, by what is being computed, so that
the median of the last quarter of the readings is held against that of the first. What is bounded
and not yet full is no leak, so that growth is counted only after that: the store of arrays is small
here, and for two minutes, or until somebody comes, Streamlit keeps the latest 128 sessions that
have ended, with what they showed, and three open files each.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import secrets
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import async_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.bench_explore import QUERY, write_scan
from latentcore.artifacts.latents_hdf5 import write_latents
from latentcore.containers import LatentSet, ScanGrid, default_sample_ids
from pages.access.browsers import COOKIE
from tests.browser_support import CHROMIUM_FLAGS, REPOSITORY, find_chromium, streamlit_server
from tests.factories.kikuchi import full_grid

PAGES = {
    "": 10, "data": 2, "domains": 2, "rank": 2, "compare": 1, "search": 1, "runs": 1, "extract": 1
}  # fmt: skip
DEMO = "embedding=pca"
MANY = QUERY.removeprefix("/?")
ENDED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)
LOOK_EVERY_S = 15.0
PAUSE_S = (2.0, 10.0)
LEAVING_S = 125.0  # Streamlit keeps sessions for two minutes, for browsers that come back
KEPT_SESSIONS = 128
ARRAY_STORE_MB = 64
EACH = 20
POOLED = 4  # threads of pools, which start them one by one: hundreds of sessions would leave more


@dataclass
class Visitor:
    """One session: a page, what stands on it, and what was changed."""

    url: str
    query: str
    chance: random.Random
    page: str = ""
    changed: dict[str, WidgetState] = field(default_factory=dict)
    _connection: ClientConnection | None = None
    _found: list[WidgetState] = field(default_factory=list)

    async def act(self) -> tuple[str, float]:
        """Do something; return what, and the seconds to the end of the page's run."""
        if self._connection is None or self.chance.random() < 0.05:
            await self.leave()
            cookie = {"Cookie": f"{COOKIE}={secrets.token_hex(16)}"}
            stream = self.url.replace("http", "ws", 1) + "/_stcore/stream"
            self._connection = await connect(
                stream,
                max_size=None,
                additional_headers=cookie,
                subprotocols=[Subprotocol("streamlit")],
            )
            self.changed.clear()
            return f"{self.page or 'explore'}, opened", await self._run()
        if self._found and self.chance.random() < 0.7:
            state = self.chance.choice(self._found)
            self.changed[state.id] = state
            return f"{self.page or 'explore'}, changed", await self._run()
        self.page = self.chance.choices(list(PAGES), list(PAGES.values()))[0]
        self.changed.clear()
        return f"{self.page or 'explore'}, gone to", await self._run()

    async def leave(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _run(self) -> float:
        assert self._connection is not None
        asked = BackMsg()
        asked.rerun_script.page_name = self.page
        asked.rerun_script.query_string = self.query
        asked.rerun_script.widget_states.widgets.extend(self.changed.values())
        start = time.perf_counter()
        await self._connection.send(asked.SerializeToString())
        self._found = []
        while True:
            message = ForwardMsg.FromString(await self._connection.recv(decode=False))
            if message.HasField("delta"):
                self._see(message.delta.new_element)
            if message.HasField("script_finished") and message.script_finished in ENDED:
                return time.perf_counter() - start

    def _see(self, element: Any) -> None:
        """Note down another value of a slider or a number, and refuse a page with a traceback."""
        kind = element.WhichOneof("type")
        if kind == "exception":
            message = f"{self.page or 'explore'}: {element.exception.message}"
            raise RuntimeError(message)
        if kind not in ("slider", "number_input"):
            return
        shown = getattr(element, kind)
        low, high = shown.min, shown.max
        if shown.disabled or not 0 < high - low < 1e6:
            return
        state = WidgetState(id=shown.id)
        value = low + round(self.chance.random() * (high - low) / shown.step) * shown.step
        if kind == "number_input":
            state.double_value = min(value, high)
        else:
            state.double_array_value.data.extend(sorted([*shown.default[:-1], min(value, high)]))
        self._found.append(state)


@dataclass(frozen=True)
class State:
    """What a server has: memory in MB, threads, open files and temporary files."""

    memory: float
    threads: int
    files: int
    temporary: int


@dataclass(frozen=True)
class Wanted:
    """A line of the verdict."""

    what: str
    found: str
    met: bool


@dataclass(frozen=True)
class Server:
    """What the system tells of the server."""

    url: str
    pid: int
    temporary: Path

    def seconds(self) -> float:
        """Return the processor time that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def tell(self, when: str) -> State:
        """Print its state, and return it."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        memory = int(status.partition("VmRSS:")[2].split()[0]) / 1000
        threads = int(status.partition("Threads:")[2].split()[0])
        files = len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        temporary = sum(1 for _ in self.temporary.rglob("*"))
        print(
            f"{when:22} {memory:7.0f} MB {threads:4} threads {files:4} open files "
            f"{temporary:3} temporary, {self.seconds():7.0f} s of processor",
            flush=True,
        )
        return State(memory, threads, files, temporary)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--browsers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--scans", type=int, default=340)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, temporary = Path(folder, "data"), Path(folder, "tmp")
        data.mkdir()
        temporary.mkdir()
        write_scan(data)
        for number in range(asked.scans):
            write_small(data / f"scan_{number}.h5", number)
        env = {
            "LATENT_WORKSPACE": f"{folder}/workspace",
            "LATENT_DATA_ROOTS": str(data),
            "LATENT_ARRAY_STORE_MB": str(ARRAY_STORE_MB),
            "TMPDIR": str(temporary),
        }
        with streamlit_server(REPOSITORY / "app.py", env=env) as url:
            verdict = asyncio.run(measure(Server(url, child(), temporary), asked))
    print("\nverdict")
    for one in verdict:
        print(f"{'met    ' if one.met else 'NOT MET'} {one.what}: {one.found}")
    raise SystemExit(not all(one.met for one in verdict))


def write_small(path: Path, number: int) -> None:
    """Write latents of 100 × 100 points."""
    coords = full_grid(100, 100)
    random = np.random.default_rng(number)
    values = random.normal(coords[:, :1] // 25 * 3, 1, (len(coords), 16)).astype(np.float32)
    grid = ScanGrid.from_coordinates(*coords.T)
    dims = np.arange(16, dtype=np.int32)
    write_latents(path, LatentSet(values, default_sample_ids(len(values)), dims, grid))


def child() -> int:
    """Return the server that this process started."""
    own = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    started = [Path("/proc", one) for one in Path(own).read_text().split()]
    return int(next(one for one in started if b"streamlit" in (one / "cmdline").read_bytes()).name)


async def measure(server: Server, asked: argparse.Namespace) -> list[Wanted]:
    """Let visitors come, then scans; print what becomes of the server, and return the verdict."""
    server.tell("started")
    took: dict[str, list[float]] = defaultdict(list)
    states: list[State] = []
    begun = time.perf_counter()
    end = begun + 60 * asked.minutes
    async with browsers(asked.browsers) as pages:
        before = server.seconds()
        visits = [visit(server, number, end, took, asked.seed) for number in range(asked.visitors)]
        tours = [tour(server, page, end) for page in pages]
        await asyncio.gather(look(server, end, states), *visits, *tours)
    spent = server.seconds() - before
    quick = table(took, spent)
    visited = flat(states[len(states) // 3 :], "after the first third of the visitors")
    before_scans = await leaving(server)
    opened = await open_scans(server, asked.scans)
    return [quick, visited, *opened, *left(before_scans, await leaving(server))]


async def visit(
    server: Server, number: int, end: float, took: dict[str, list[float]], seed: int
) -> None:
    """Act like one visitor until the end."""
    chance = random.Random(f"{seed} {number}")
    visitor = Visitor(server.url, MANY if number % 4 == 3 else DEMO, chance)
    while time.perf_counter() < end:
        await asyncio.sleep(chance.uniform(*PAUSE_S))
        what, seconds = await visitor.act()
        took[what].append(seconds)
    await visitor.leave()


async def tour(server: Server, page: Any, end: float) -> None:
    """Change the page in a real browser until the end."""
    for number, name in enumerate([*PAGES] * 10_000):
        if time.perf_counter() > end:
            return
        await page.goto(f"{server.url}/{name}?{MANY if number % 2 else DEMO}")
        await asyncio.sleep(10)


@contextlib.asynccontextmanager
async def browsers(count: int) -> AsyncIterator[list[Any]]:
    """Start Chromium with so many pages."""
    if not count:
        yield []
        return
    async with async_playwright() as playwright:
        launch = playwright.chromium.launch
        running = await launch(executable_path=find_chromium(), args=list(CHROMIUM_FLAGS))
        yield [await running.new_page() for _ in range(count)]
        await running.close()


async def leaving(server: Server) -> State:
    """Wait until the sessions of those who left are given up, and tell what the server has."""
    await asyncio.sleep(LEAVING_S)
    last = Visitor(server.url, DEMO, random.Random(0))
    await last.act()  # Streamlit looks for such sessions when somebody comes
    await last.leave()
    await asyncio.sleep(2 * LOOK_EVERY_S)
    return server.tell("all have left")


async def look(server: Server, end: float, states: list[State]) -> None:
    """Tell of the server from time to time."""
    begun = time.perf_counter()
    while (now := time.perf_counter()) < end:
        states.append(server.tell(f"after {(now - begun) / 60:4.1f} minutes"))
        await asyncio.sleep(LOOK_EVERY_S)


async def open_scans(server: Server, count: int) -> list[Wanted]:
    """Open scans in one session after the other, as reloading the page does."""
    took: list[float] = []
    states: list[State] = []
    for number in range(count):
        query = f"samples=&maps=&latents=folder:data/scan_{number}.h5&embedding=pca"
        visitor = Visitor(server.url, query, random.Random(number))
        took.append((await visitor.act())[1])
        await visitor.leave()
        if number % EACH == EACH - 1:
            states.append(server.tell(f"after {number + 1} scans"))
    if not count:
        return []
    print(f"{'a scan opened':28} {told(took)}", flush=True)
    return [flat(states[KEPT_SESSIONS // EACH :], f"after {KEPT_SESSIONS} scans and more")]


def table(took: dict[str, list[float]], spent: float) -> Wanted:
    """Print the seconds of all actions."""
    for what in sorted(took):
        print(f"{what:28} {told(took[what])}")
    every = [seconds for one in took.values() for seconds in one]
    again = [s for what, one in took.items() if not what.endswith("opened") for s in one]
    print(f"{'all':28} {told(every)}, {spent / len(every):.2f} s of processor each")
    print(f"{'all but opening':28} {told(again)}", flush=True)
    most = float(np.percentile(again, 95))
    return Wanted("95 % of all reruns in 1 s", f"{most:.2f} s", met=most < 1)


def told(seconds: list[float]) -> str:
    """Return the median and the 95th percentile."""
    return (
        f"{len(seconds):5} times, median {statistics.median(seconds):6.2f} s, "
        f"95 % in {np.percentile(seconds, 95):6.2f} s, worst {max(seconds):6.2f} s"
    )


def flat(states: list[State], when: str) -> Wanted:
    """Return how much the memory grew."""
    memory = [state.memory for state in states]
    some = -(-len(memory) // 4)
    first, last = statistics.median(memory[:some]), statistics.median(memory[-some:])
    growth = 100 * (last / first - 1)
    found = f"{first:.0f} to {last:.0f} MB, {growth:+.1f} %"
    return Wanted(f"memory {when} grows by less than 5 %", found, met=growth < 5)


def left(before: State, after: State) -> list[Wanted]:
    """Return what stays of the sessions that opened scans."""
    return [
        Wanted("no thread left", f"{before.threads}, then {after.threads}",
               met=after.threads <= before.threads + POOLED),
        Wanted("no open file left", f"{before.files}, then {after.files}",
               met=after.files <= before.files),
        Wanted("no temporary file left", str(after.temporary), met=not after.temporary),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
