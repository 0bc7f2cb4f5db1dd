"""``open``: start the dashboard on one's own files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from latentcore.errors import InputError, RequestError
from latentcore.inputs.maps import read_map
from latentcore.progress import Progress
from latentcore.readers import recognize_all
from latentcore.requests.map_specs import split_map_spec
from latentcore.requests.verbs import option, verb
from latentcore.settings import all_variables, named_paths
from latentcore.storage import local_path, split_options
from latentcore.storage.companions import companions, has_maps_beside

_HOST = "127.0.0.1"
_FIRST_PORT = 8501
_LAST_PORT = 8599
_START_S = 60.0
_STOP_S = 10.0


@dataclass(frozen=True)
class OpenRequest:
    """What to have in view."""

    files: tuple[str, ...] = option(
        (),
        help="samples, latents and maps, each recognized by its content; none: the demo scan",
        positional=True,
        nargs="*",
        kind="file",
    )
    map: tuple[str, ...] = option(
        (),
        help="a map, FILE or FILE:COLUMN; the first column named becomes the reference",
        repeat=True,
        kind="map",
    )
    port: int | None = option(
        None,
        help=f"port of the server; default: the first free one from {_FIRST_PORT}",
        convert=int,
    )
    no_browser: bool = option(False, help="print the address, but open no browser")


@verb("open", "Start the dashboard on your own files.", OpenRequest, writes=False)
def open_dashboard(request: OpenRequest, folder: None, progress: Progress) -> dict[str, Any]:
    """Start the dashboard and serve until it is stopped.

    The server listens on this machine only. It may read the files named here and what belongs to
    them by its name, and nothing beside them but what its settings allow.
    """
    del folder, progress
    query = query_for(request)
    script = dashboard_script()
    port = _free_port(request.port)
    # The environment holds the settings from secrets.toml too, which are looked for where the
    # command was typed.
    environment = {
        **os.environ,
        **all_variables(),
        "LATENT_OPENED_FILES": json.dumps([str(path) for path in opened_files(request)]),
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--server.address={_HOST}", f"--server.port={port}", "--server.headless=true"]
    # Its standard output would name the address without the files.
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603
    address = f"http://{_HOST}:{port}"
    link = f"{address}{query}"
    threading.Thread(
        target=_announce,
        args=(server, address, link),
        kwargs={"in_browser": not request.no_browser},
        daemon=True,
    ).start()
    if status := _serve(server):
        message = f"The dashboard at {address} ended with status {status}; its log stands above."
        raise InputError(message)
    return {"link": link}


def opened_files(request: OpenRequest) -> list[Path]:
    """Return the files that the request names, each once; of objects on S3 the local copies."""
    locations = [*request.files, *(split_map_spec(spec)[0] for spec in request.map)]
    return list(dict.fromkeys(_path_of(location) for location in locations))


def _path_of(location: str) -> Path:
    """Return where a file is, without options for its reader."""
    return local_path(split_options(location)[0]).resolve()


def query_for(request: OpenRequest) -> str:
    """Return the path and query of the page that has the request's files in view.

    Of several files of samples, or of latents, the first is in view; the page offers the others.
    """
    kinds = {location: recognize_all(location) for location in request.files}
    # The maps of patterns come with these, so that they aren't opened twice.
    along = {
        companion.resolve()
        for path in map(_path_of, request.files)
        if has_maps_beside(path.name)
        for companion in companions(path)
    }
    names = {path: f"opened:{name}" for name, path in named_paths(opened_files(request)).items()}

    def place(location: str) -> str:
        return names[_path_of(location)] + location[len(split_options(location)[0]) :]

    def those(*wanted: str) -> list[str]:
        return [
            place(one)
            for one in request.files
            if not kinds[one].keys().isdisjoint(wanted) and _path_of(one) not in along
        ]

    samples, latents = those("samples")[:1], those("latents")[:1]
    maps = [*those("maps", "table"), *(place(_map_location(spec)) for spec in request.map)]
    if not (samples or latents or maps):
        return "/"
    query = [("samples", samples[0] if samples else "")]
    query += [("maps", one) for one in dict.fromkeys(maps)]
    query += [("latents", one) for one in latents]
    query += [("reference", name) for name in _named_columns(request.map)[:1]]
    # Explore needs latents; the Data page shows everything else.
    return f"/{'' if latents else 'data'}?{urlencode(query, safe=':')}"


def _map_location(spec: str) -> str:
    location, _ = split_map_spec(spec)
    kinds = recognize_all(location)
    if kinds.keys().isdisjoint({"maps", "table"}):
        message = (
            f"{location!r} holds {' and '.join(kinds)}, no maps. Name it without ⟨map⟩, or give "
            "a table with x, y and values."
        )
        raise RequestError(message)
    return location


def _named_columns(specs: Sequence[str]) -> list[str]:
    """Return the names of the maps whose columns were named; RequestError if there is no such."""
    return [name for spec in specs if split_map_spec(spec)[1] for name in read_map(spec).names]


def dashboard_script() -> Path:
    """Return ``app.py``: inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "_dashboard", package.parent):
        if (folder / "app.py").is_file() and (folder / "pages").is_dir():
            return folder / "app.py"
    message = (
        "The dashboard's app.py is neither in the installed package nor beside it. Install Latent "
        "Explorer from its wheel or run the command in a checkout."
    )
    raise InputError(message)


def _free_port(wanted: int | None) -> int:
    for port in (wanted,) if wanted is not None else range(_FIRST_PORT, _LAST_PORT + 1):
        with socket.socket() as probe:
            if os.name == "posix":  # a port just left is free; on Windows this would share it
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except (OSError, OverflowError):
                continue
            return port
    asked = f"Port {wanted}" if wanted is not None else f"Every port {_FIRST_PORT}-{_LAST_PORT}"
    message = f"{asked} is taken or not allowed on {_HOST}. Name another with ⟨port⟩."
    raise RequestError(message)


def _serve(server: subprocess.Popen[bytes]) -> int:
    """Wait for the server's end; stopping this process stops it, too."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        return max(0, server.wait())  # negative: ended by a signal, as it is meant to be
    finally:
        if server.poll() is None:
            server.terminate()
            try:
                server.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()


def _announce(
    server: subprocess.Popen[bytes], address: str, link: str, *, in_browser: bool
) -> None:
    """Print the link, and open it, as soon as the server answers."""
    end = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):  # noqa: S310
                break
        except OSError:
            time.sleep(0.1)
    if server.poll() is not None:
        return
    print(f"Latent Explorer: {link}\nStop it with Ctrl+C.", file=sys.stderr, flush=True)
    if in_browser and _has_screen():
        webbrowser.open(link)


def _has_screen() -> bool:
    """Return whether a browser has a window: without one, Linux would start it in the terminal."""
    on_desktop = sys.platform in ("win32", "darwin")
    return on_desktop or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
