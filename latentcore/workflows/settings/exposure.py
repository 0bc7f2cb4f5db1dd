"""What others could reach of a server of this program, and on what its workspace lies."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path

from latentcore.settings import Settings
from latentcore.workflows.settings.logins import asks_for_login

_CONFIG, _SECRETS = Path(".streamlit/config.toml"), Path(".streamlit/secrets.toml")
_CREDENTIALS = Path(".aws/credentials")
_MOUNTS = Path("/proc/self/mountinfo")
_SHORTEST_TOKEN = 16
_NETWORK = (
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.sshfs", "gpfs",
    "lustre", "nfs", "nfs4", "smb3", "smbfs",
)  # fmt: skip


def exposure(found: Settings) -> Iterator[str]:
    """Yield what should be known of a server that others can reach, a sentence each."""
    address, login = listening(), asks_for_login()
    reached = address is not None and not _is_loopback(address)
    if reached and not login:
        where = repr(address) if address else "all addresses of this machine"
        yield (
            f"The server listens on {where}, and the program asks nobody who they are: whoever "
            "reaches it sees and changes everything. Let people sign in (docs/deploy), or let "
            "it listen on 127.0.0.1, behind a proxy that asks for a login (server.address in "
            ".streamlit/config.toml, or STREAMLIT_SERVER_ADDRESS)."
        )
    for root in found.data_roots if reached or login else ():
        if os.access(root, os.W_OK):
            yield (
                f"LATENT_DATA_ROOTS: {str(root)!r} can be written, but is only read. Give "
                "this user no right to write there, or mount it read-only."
            )
    named = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    credentials = Path(named) if named else Path.home() / _CREDENTIALS
    for path in (_SECRETS, Path.home() / _SECRETS, credentials):
        if path.is_file() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield f"{str(path)!r} holds secrets that other users can read. Say: chmod 600 {path}"
    if found.metrics_token and len(found.metrics_token) < _SHORTEST_TOKEN:
        yield (
            f"LATENT_METRICS_TOKEN has fewer than {_SHORTEST_TOKEN} characters, which can be "
            "guessed. Make one by: openssl rand -hex 16"
        )
    kind = filesystem_of(found.workspace)
    if kind in _NETWORK:
        yield (
            f"LATENT_WORKSPACE: {str(found.workspace)!r} lies on a network disk ({kind}). Jobs are "
            "kept apart by locks on files, which not every such disk has: name a folder on a disk "
            "of this machine."
        )


def listening() -> str | None:
    """Return the address that Streamlit will listen on; empty for all, None where nothing says.

    By its environment variable, else the configuration here, else that of the user.
    """
    named = os.environ.get("STREAMLIT_SERVER_ADDRESS")
    if named is not None:
        return named
    known = None
    for path in (_CONFIG, Path.home() / _CONFIG):
        try:
            server = tomllib.loads(path.read_text(encoding="utf-8")).get("server", {})
        except (OSError, ValueError):
            continue
        known = ""  # what Streamlit does where a configuration names no address
        if isinstance(server, dict) and "address" in server:
            return str(server["address"])
    return known


def filesystem_of(folder: Path, mounts: Path = _MOUNTS) -> str:
    """Return the type of the file system that a folder lies on; empty where nothing says."""
    real, best, kind = os.path.realpath(folder), "", ""
    try:
        lines: Sequence[str] = mounts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    for line in lines:
        before, _, after = line.partition(" - ")
        parts, rest = before.split(), after.split()
        if len(parts) < 5 or not rest:
            continue
        # Octal escapes stand for spaces, tabs and backslashes.
        point = parts[4].encode().decode("unicode_escape").rstrip("/")
        if (real == point or real.startswith(f"{point}/")) and len(point) >= len(best):
            best, kind = point, rest[0]
    return kind


def _is_loopback(address: str) -> bool:
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False
