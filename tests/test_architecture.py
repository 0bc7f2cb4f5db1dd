"""Who may import whom: data flows one way, and no room calls back."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "latentcore"

# A room may import its own modules and those of the rooms in the rows above it.
ROWS: tuple[tuple[str, ...], ...] = (
    ("errors", "version", "zip_damage"),
    ("registry", "progress", "settings", "locks", "workers", "cells", "format_versions"),
    ("containers",),
    ("storage", "hdf5"),
    ("readers", "preparation", "demo"),
    ("encoders", "analysis"),
    ("artifacts",),
    ("encoding", "figures"),
    ("datasets", "requests"),
    ("inputs",),
    ("outputs",),
    ("workflows",),
    ("jobs", "cli"),
    ("__main__",),
)
LEVEL = {room: level for level, row in enumerate(ROWS) for room in row}
# The same for the dashboard; a task may import its own modules, but no other task.
PAGE_ROWS: tuple[str, ...] = (
    "frame", "access", "people", "jobs", "scan", "results", "charts", "forms", "panels", "view",
    "regions", "operation", "tasks",
)  # fmt: skip
PAGE_LEVEL = {room: level for level, room in enumerate(PAGE_ROWS)}
COPYLEFT = {"kikuchipy", "orix", "hyperspy", "cryodrgn"}
HEAVY = {"torch", "sklearn", "h5py", "boto3", "umap", "hdbscan", "numba"}

MODULES = sorted(LIBRARY.rglob("*.py"))
SCREEN = sorted([ROOT / "app.py", *(ROOT / "pages").rglob("*.py")])
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports, at whatever place: modules, and names from modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f"{'.' * node.level}{node.module or ''}"
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in (*MODULES, *SCREEN, *BENCHMARKS)}


def modules_imported(path: Path) -> set[str]:
    """Return the project's modules that a file imports; a package only for names of its own."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found.update(name if name in FILES else node.module for name in names)
    return found & FILES.keys()


def offenses(paths: Iterable[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in paths
        for module in imports(path)
        if module.split(".")[0] in forbidden
    ]


def room_of(path: Path) -> str:
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def test_every_room_has_a_level() -> None:
    rooms = {room_of(path) for path in MODULES} - {"__init__"}
    assert rooms <= set(LEVEL), "a new room needs its place in ROWS"


def test_rooms_import_upstream_only() -> None:
    wrong = []
    for path in MODULES:
        room = room_of(path)
        if room == "__init__":
            continue  # the public names come from all rooms
        for module in imports(path):
            top, _, rest = module.partition(".")
            other = rest.split(".")[0]
            if top == "latentcore" and other in LEVEL and other != room:
                if LEVEL[other] >= LEVEL[room]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {module}")
            elif not top:
                wrong.append(f"{path.relative_to(ROOT)} imports relatively: {module}")
    assert not wrong


def test_modules_with_an_underscore_stay_within_their_package() -> None:
    wrong = []
    for name, path in FILES.items():
        here = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for module in modules_imported(path):
            owner = module.partition("._")[0]
            if owner != module and f"{here}.".startswith(f"{owner}.") is False:
                wrong.append(f"{name} imports {module}")
    assert not wrong


def test_names_with_an_underscore_stay_within_their_module() -> None:
    wrong = [
        f"{name} imports {found}"
        for name, path in FILES.items()
        for found in imports(path)
        if found not in FILES
        and found.startswith(("latentcore.", "pages.", "benchmarks."))
        and found.rpartition(".")[2].startswith("_")
        and not found.endswith("__")
    ]
    assert not wrong


def test_modules_import_each_other_in_no_circle() -> None:
    graph = {name: modules_imported(path) - {name} for name, path in FILES.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_nothing_of_ours_imports_the_library_by_its_front_door() -> None:
    users = [path for path in (*MODULES, *SCREEN) if "latentcore" in modules_imported(path)]
    assert not users


def test_verbs_know_no_other_verb() -> None:
    wrong = []
    for path in (LIBRARY / "workflows").rglob("*.py"):
        own = path.relative_to(LIBRARY / "workflows").parts[0].removesuffix(".py")
        for module in imports(path):
            verb = module.removeprefix("latentcore.workflows.").split(".")[0]
            if module.startswith("latentcore.workflows.") and verb != own:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong


def test_analysis_knows_no_workflow_not_even_in_text() -> None:
    files = (LIBRARY / "analysis").rglob("*.py")
    assert not [path.name for path in files if "workflows" in path.read_text(encoding="utf-8")]


def test_the_library_knows_no_screen() -> None:
    assert not offenses(MODULES, {"streamlit", "pages", "app"})


def test_nothing_copyleft_is_imported() -> None:
    assert not offenses([*MODULES, *SCREEN], COPYLEFT)


def test_pages_leave_computing_to_the_library() -> None:
    assert not offenses(SCREEN, HEAVY)


def test_pages_import_only_the_library_streamlit_and_tables() -> None:
    allowed = {
        "latentcore", "pages", "streamlit", "starlette", "numpy", "pandas", "plotly",
        "matplotlib", "PIL",
        *sys.stdlib_module_names,
    }  # fmt: skip
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in SCREEN
        for module in imports(path)
        if module.split(".")[0] not in allowed
    ]
    assert not wrong


def test_rooms_of_the_dashboard_import_upstream_only() -> None:
    wrong = []
    for path in SCREEN[1:]:
        _, room, *rest = path.relative_to(ROOT).parts
        for module in imports(path):
            top, _, other = module.partition(".")
            names = other.split(".")
            if top != "pages" or names[0] not in PAGE_LEVEL or names[0] == room != "tasks":
                continue
            own_task = names[0] == room and names[1:2] == rest[:1]
            if PAGE_LEVEL[names[0]] >= PAGE_LEVEL[room] and not own_task:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not sorted(wrong)


def test_figures_of_runs_are_shown_in_one_way() -> None:
    """Drawn for print, they would glare on dark pages otherwise."""
    shown = {path for path in SCREEN if "st.image(str(" in path.read_text(encoding="utf-8")}
    rooms = ROOT / "pages"
    assert shown == {rooms / "results" / "figures.py", rooms / "people" / "login.py"}


def test_the_security_boundary_has_no_widgets() -> None:
    wrong = [
        f"{path.name}: st.{node.attr}"
        for path in (ROOT / "pages" / "access").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "st"
        and not node.attr.startswith("cache_")
        and node.attr != "user"  # who is signed in, which is no widget
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("module", "light"),
    [
        ("latentcore", {*HEAVY, "matplotlib", "scipy", "streamlit", "plotly"}),
        ("latentcore.readers", HEAVY - {"h5py"}),
        ("latentcore.workflows", HEAVY - {"h5py"}),
        ("latentcore.cli", HEAVY - {"h5py"}),
    ],
)
def test_importing_loads_nothing_heavy(module: str, light: set[str]) -> None:
    code = (
        f"import sys; import {module};"
        f"print(*(name for name in {sorted(light)!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not done.stdout.split()
