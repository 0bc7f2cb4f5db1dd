"""Every setting of the program, read once.

A setting is a variable of the environment; where it isn't set there, it may stand under the same
name in ``.streamlit/secrets.toml`` of the working folder or of the home folder, as Streamlit's own.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from pathlib import Path

from latentcore.errors import SettingsError

PREFIX = "LATENT_"


@dataclass(frozen=True)
class Settings:
    """What the server's operator may choose.

    Attributes
    ----------
    workspace : Path
        ``LATENT_WORKSPACE``: uploads, jobs and runs live here.
    data_roots : tuple of Path
        ``LATENT_DATA_ROOTS``, separated as in ``PATH``. Server folders that users may open. Empty:
        none.
    opened_files : tuple of Path
        ``LATENT_OPENED_FILES``, a JSON list: single files, or folders of pictures, that users may
        open as well; nothing beside them can be read. The verb ``open`` sets it.
    model_folder : Path or None
        ``LATENT_MODEL_FOLDER``: models that the operator offers. Exported encoders, which run the
        code in their files, are loaded from nowhere else.
    max_upload_mb : int
        ``LATENT_MAX_UPLOAD_MB``: the largest file that may be uploaded.
    models_in_memory : int
        ``LATENT_MODELS_IN_MEMORY``: loaded encoders kept between sessions.
    array_store_mb : int
        ``LATENT_ARRAY_STORE_MB``: memory for the arrays that browsers fetch.
    browser_points : int
        ``LATENT_BROWSER_POINTS``: up to so many points, Explore sends all to the browser; of more,
        at most a quarter as many, each of which stands for a block of the scan.
    s3_endpoint : str or None
        ``LATENT_S3_ENDPOINT``: URL of an S3 service that is not AWS (Ceph, MinIO). Credentials
        come from where boto3 looks for them: AWS's variables, profiles and roles.
    s3_buckets : tuple of str
        ``LATENT_S3_BUCKETS``, separated by commas: the buckets that the dashboard offers. Empty:
        none; the command line may use any that the credentials permit.
    s3_patience_s : int
        ``LATENT_S3_PATIENCE_S``: how long a broken transfer is tried again without any success.
    cache_gb : int
        ``LATENT_CACHE_GB``: disk space for local copies of objects; a fifth of it beside that for
        the pixels that virtual detectors read.
    device : str
        ``LATENT_DEVICE``: what ``auto`` means; ``auto`` itself takes the fastest there is.
    dask_scheduler : str or None
        ``LATENT_DASK_SCHEDULER``: the scheduler that batches use if they name none.
    user_claim : str
        ``LATENT_USER_CLAIM``: which of the things that a login says of somebody is their name on
        this server. ``email`` counts only where the provider doesn't say that it is unverified.
    groups_claim : str
        ``LATENT_GROUPS_CLAIM``: which of them names their groups, as a list or with commas.
    operators : tuple of str
        ``LATENT_OPERATORS``, separated by commas: the names of those who look after the server.
        They see who has what and how large it is, but not what is in it.
    signed_in_hours : int
        ``LATENT_SIGNED_IN_HOURS``: how long after a login people are asked for the next one.
    trusted_proxies : tuple of str
        ``LATENT_TRUSTED_PROXIES``, separated by commas: addresses or networks of the proxies whose
        headers (``server.trustedUserHeaders``) say who somebody is. Nobody else's count.
    sign_out_url : str or None
        ``LATENT_SIGN_OUT_URL``: where *Sign out* leads where a proxy asks for the login.
    root_groups : Mapping of str to tuple of str
        ``LATENT_ROOT_GROUPS``, a JSON object: for the last part of a data root's path the groups
        that may open it, ``{"metals": ["materials"]}``. Others may be opened by everybody.
    bucket_groups : Mapping of str to tuple of str
        ``LATENT_BUCKET_GROUPS``: the same for buckets.
    """

    workspace: Path
    data_roots: tuple[Path, ...] = ()
    opened_files: tuple[Path, ...] = ()
    model_folder: Path | None = None
    max_upload_mb: int = 200
    models_in_memory: int = 3
    array_store_mb: int = 512
    browser_points: int = 4_000_000
    s3_endpoint: str | None = None
    s3_buckets: tuple[str, ...] = ()
    s3_patience_s: int = 120
    cache_gb: int = 50
    device: str = "auto"
    dask_scheduler: str | None = None
    user_claim: str = "email"
    groups_claim: str = "groups"
    operators: tuple[str, ...] = ()
    signed_in_hours: int = 12
    trusted_proxies: tuple[str, ...] = ()
    sign_out_url: str | None = None
    root_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bucket_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check the settings.

        Raises
        ------
        SettingsError
            If one can't be used; the message names it.
        """
        roots = tuple(
            _folder("LATENT_DATA_ROOTS", entry)
            for entry in environment.get("LATENT_DATA_ROOTS", "").split(os.pathsep)
            if entry
        )
        default = Path.home() / ".latent-explorer"
        workspace = Path(environment.get("LATENT_WORKSPACE", default)).expanduser().resolve()
        buckets = _names(environment, "LATENT_S3_BUCKETS")
        return cls(
            workspace=workspace,
            data_roots=roots,
            opened_files=_paths(environment, "LATENT_OPENED_FILES"),
            model_folder=_model_folder(environment.get("LATENT_MODEL_FOLDER"), workspace),
            max_upload_mb=_number(environment, "LATENT_MAX_UPLOAD_MB", 200),
            models_in_memory=_number(environment, "LATENT_MODELS_IN_MEMORY", 3),
            array_store_mb=_number(environment, "LATENT_ARRAY_STORE_MB", 512),
            browser_points=_number(environment, "LATENT_BROWSER_POINTS", 4_000_000),
            s3_endpoint=_url(environment, "LATENT_S3_ENDPOINT"),
            s3_buckets=buckets,
            s3_patience_s=_number(environment, "LATENT_S3_PATIENCE_S", 120),
            cache_gb=_number(environment, "LATENT_CACHE_GB", 50),
            device=environment.get("LATENT_DEVICE") or "auto",
            dask_scheduler=environment.get("LATENT_DASK_SCHEDULER") or None,
            user_claim=environment.get("LATENT_USER_CLAIM") or "email",
            groups_claim=environment.get("LATENT_GROUPS_CLAIM") or "groups",
            operators=_names(environment, "LATENT_OPERATORS"),
            signed_in_hours=_number(environment, "LATENT_SIGNED_IN_HOURS", 12),
            trusted_proxies=_networks(environment, "LATENT_TRUSTED_PROXIES"),
            sign_out_url=environment.get("LATENT_SIGN_OUT_URL") or None,
            root_groups=_groups(environment, "LATENT_ROOT_GROUPS", named_paths(roots)),
            bucket_groups=_groups(environment, "LATENT_BUCKET_GROUPS", buckets),
        )


@cache
def settings() -> Settings:
    """Return this process's settings."""
    return Settings.from_environment(all_variables())


def all_variables() -> dict[str, str]:
    """Return the settings that were made, as text by name; the environment overrules the files.

    Raises
    ------
    SettingsError
        If a file is no TOML.
    """
    found: dict[str, str] = {}
    for folder in (Path.home(), Path.cwd()):
        found |= _secrets(folder / ".streamlit" / "secrets.toml")
    found |= os.environ
    return {name: value for name, value in found.items() if name.startswith(PREFIX)}


def named_paths(paths: Iterable[Path]) -> dict[str, Path]:
    """Name paths by their last part, so that URLs can; two of one name get a number."""
    named: dict[str, Path] = {}
    for path in paths:
        plain = "".join("_" if c == "\\" or not c.isprintable() else c for c in path.name)
        base = plain.lstrip(".") or "root"  # a place hides nothing, so no part begins with a dot
        name, number = base, 2
        while name in named:
            name, number = f"{base}-{number}", number + 1
        named[name] = path
    return named


def _secrets(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        # The error's own text may repeat a line, and with it a secret.
        message = f"{path} can't be read ({type(error).__name__}). Correct it, or remove it."
        raise SettingsError(message) from None
    return {name: str(value) for name, value in content.items() if not isinstance(value, dict)}


def _folder(name: str, text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        message = f"{name} names {text!r}, which is no folder. Create it or correct the setting."
        raise SettingsError(message)
    return path


def _model_folder(text: str | None, workspace: Path) -> Path | None:
    if not text:
        return None
    path = _folder("LATENT_MODEL_FOLDER", text)
    if path.is_relative_to(workspace) or workspace.is_relative_to(path):
        message = (
            f"LATENT_MODEL_FOLDER names {text!r}, but programs in it may run, and uploads go to "
            f"the workspace {str(workspace)!r}: one must not lie in the other. Name a folder that "
            "only the operator writes to."
        )
        raise SettingsError(message)
    return path


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < 1:
        message = f"{name} is {text!r}, but must be a whole number of at least 1."
        raise SettingsError(message)
    return int(text)


def _names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in environment.get(name, "").split(",") if entry.strip())


def _networks(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _names(environment, name)
    for entry in found:
        try:
            ip_network(entry)
        except ValueError as error:
            message = (
                f"{name} names {entry!r}, but must name addresses such as 127.0.0.1 or networks "
                "such as 10.0.0.0/24."
            )
            raise SettingsError(message) from error
    return found


def _groups(
    environment: Mapping[str, str], name: str, known: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    try:
        found = json.loads(environment.get(name) or "{}")
        named = {entry: tuple(groups) for entry, groups in found.items()}
        sound = all(isinstance(groups, list) for groups in found.values())
    except (ValueError, TypeError, AttributeError):
        named, sound = {}, False
    if not sound:
        message = f'{name} must be a JSON object such as {{"metals": ["materials", "physics"]}}.'
        raise SettingsError(message)
    unknown = named.keys() - set(known)
    if unknown:
        # What nobody restricts is open to all, so that a slip must not pass.
        message = f"{name} names {min(unknown)!r}. There are: {', '.join(known) or 'none'}."
        raise SettingsError(message)
    return named


def _paths(environment: Mapping[str, str], name: str) -> tuple[Path, ...]:
    try:
        found = json.loads(environment.get(name) or "[]")
        return tuple(Path(path).resolve() for path in found)
    except (ValueError, TypeError) as error:
        message = f'{name} must be a JSON list of paths such as ["/data/scan.h5"].'
        raise SettingsError(message) from error


def _url(environment: Mapping[str, str], name: str) -> str | None:
    text = environment.get(name, "").rstrip("/")
    if text and not text.startswith(("http://", "https://")):
        message = f"{name} is {text!r}, but must be a URL such as https://s3.example.org."
        raise SettingsError(message)
    return text or None
