"""The shape of `lib`: imports run one way, parts are small, nothing is executed that was read from disk."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
FILES = sorted((ROOT / "lib").rglob("*.py"))
CODE = [*FILES, *sorted((ROOT / "tests").rglob("*.py"))]

#: the core from the ground up: a part may import what stands on a lower line, and itself
CORE = (
    ("arrays", "errors"),
    ("days",),
    ("kernels", "parameters", "stats", "store"),
    ("limits",),
    ("masked", "reasons"),
    ("compiled", "eager"),
    ("graph",),
    ("ops", "engine", "panel"),
    ("factors",),
    ("load", "market"),
    ("audit", "models", "portfolio"),
    ("evaluation",),
)
LEVEL = {part: level for level, layer in enumerate(CORE) for part in layer}
#: what the machinery of the paper may import of the core
GROUND = ("errors", "days", "parameters", "stats", "store")
#: what is run as `python -m lib` and `python -m lib.book`
COMMANDS = ("__main__", "book")
#: lines of the core, compiled kernels and the dated tables of the exchanges included; of the machinery; of a room
BUDGETS = {"core": 32_000, "paper": 5_300, "room": 750}
#: rooms that hold more than a story: a bench, a catalogue of formulas, estimators, a second page over the same rows, a
#: back-test of its own, a search for settings beside what it is for, the same on a price file
LARGE_ROOMS = {
    "how_fast": 4_700, "factor_handbook": 1_550, "ewma_float32": 900, "mask_ablation": 1_300, "own_setting_mask": 1_300,
    "losses": 980, "own_setting_learning": 900, "main_results": 880, "augmentation": 870,
    "models": 810, "solver": 760,
}  # fmt: skip
LINES = 450
#: entries on the first plan of `lib`, apart from the files of the language
FIRST_PLAN = 25
LANGUAGE = ("masked.py", "graph.py", "eager.py", "ops.py", "compiled.py")

#: imported only by what needs them, inside the function that does: each takes a second or more
HEAVY = ("torch", "cvxpy", "sklearn", "lightgbm", "xgboost", "statsmodels", "matplotlib", "papermill")
NOT_AT_IMPORT = {*HEAVY, "numpy", "pandas", "scipy"}
RUNS_WHAT_IT_READS = ("pickle", "dill", "marshal", "shelve")
FORBIDDEN_CALLS = ("eval", "exec", "compile", "__import__", "joblib.load", "torch.load", "yaml.load")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules of lib that a file imports, inside functions too; a name of `lib` or `lib.studies` counts as one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "lib")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the full name instead of a relative import"
            if node.module == "lib" or (node.module or "").startswith("lib.studies"):
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                yield from (name if is_module(name) else str(node.module) for name in inside)
            elif (node.module or "").startswith("lib."):
                yield str(node.module)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def refused(here: str, there: str) -> str:
    """Why a module may not import another one; "" where it may."""
    own, other = here.split("."), there.split(".")
    if len(own) == 1 or own[1] in COMMANDS or len(other) == 1:
        return ""
    if own[1] in LEVEL:
        if other[1] not in LEVEL:
            return "the core knows nothing of the paper and its studies"
        return "" if own[1] == other[1] or LEVEL[other[1]] < LEVEL[own[1]] else "it stands beside or above"
    if own[1] == "paper":
        return "" if other[1] in (*GROUND, "paper") else "the machinery of the paper knows no market and no study"
    assert own[1] == "studies", f"{here}: a new part of lib; give it a place in CORE"
    if other[1] == "paper" and own[-1] != "page" and len(own) > 3 and own[3] == "measure" and other[2] == "pages":
        return "what makes numbers shows none"
    if other[1] != "studies" or len(other) == 2 or len(own) == 2:
        return ""
    if other[2] == own[2]:
        shows = len(own) > 3 and own[3] == "measure" and len(other) > 3 and other[3] == "page"
        return "what makes numbers shows none" if shows else ""
    return "" if len(other) > 3 and other[3] not in ("page", "figures", "html") else "another study's page"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_run_one_way(path: Path) -> None:
    here = module_of(path)
    for there in imported(ast.parse(path.read_text(encoding="utf-8"))):
        why = refused(here, there)
        assert not why, f"{here} imports {there}: {why}"


@pytest.mark.parametrize(
    ("here", "there", "allowed"),
    [
        ("lib.factors.compute", "lib.engine.stream", True),
        ("lib.engine.plan", "lib.factors.registry", False),
        ("lib.panel", "lib.evaluation.scoring", False),
        ("lib.stats.inference", "lib.paper.claims", False),
        ("lib.evaluation.scoring", "lib.portfolio", True),
        ("lib.evaluation.scoring", "lib.studies.cases.measure", False),
        ("lib.paper.pages.tables", "lib.stats.estimates", True),
        ("lib.paper.pages.tables", "lib.panel", False),
        ("lib.paper.results.runner", "lib.studies", False),
        ("lib.studies.cases.page", "lib.paper.pages.tables", True),
        ("lib.studies.cases.measure", "lib.paper.pages.tables", False),
        ("lib.studies.cases.measure", "lib.studies.cases.page", False),
        ("lib.studies.cases.measure", "lib.studies.regimes.measure", True),
        ("lib.studies.cases.page", "lib.studies.regimes.page", False),
    ],
)
def test_the_rules_of_imports(here: str, there: str, allowed: bool) -> None:
    assert (refused(here, there) == "") is allowed


def lines(*folders: str, without: tuple[str, ...] = ()) -> int:
    paths = [path for folder in folders for path in (ROOT / "lib").glob(folder) if path.suffix == ".py"]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths if path.name not in without)


def test_the_core_and_the_machinery_stay_within_their_budgets() -> None:
    core = sum(lines(f"{part}.py", f"{part}/**/*.py") for part in LEVEL)
    assert core <= BUDGETS["core"], f"the core has {core} lines: what could a study keep to itself?"
    paper = lines("paper/**/*.py")
    assert paper <= BUDGETS["paper"], f"the machinery of the paper has {paper} lines"


@pytest.mark.parametrize("room", sorted(path.parent.name for path in (ROOT / "lib/studies").glob("*/__init__.py")))
def test_a_room_stays_within_its_budget(room: str) -> None:
    found, budget = lines(f"studies/{room}/**/*.py"), LARGE_ROOMS.get(room, BUDGETS["room"])
    assert found <= budget, f"{room}: {found} lines of {budget}; more than one story?"


def test_the_first_plan_is_small() -> None:
    entries = [path.name for path in (ROOT / "lib").iterdir() if path.name not in ("__pycache__", *LANGUAGE)]
    assert len(entries) <= FIRST_PLAN, sorted(entries)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path: Path) -> None:
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= LINES, f"{count} lines: more than one idea?"


def test_the_public_face_imports_nothing_heavy() -> None:
    program = f"import sys, lib; print(sorted({NOT_AT_IMPORT!r} & set(sys.modules)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_studies_is_a_function_before_and_after_its_package_is_imported() -> None:
    program = (
        "from lib import studies; before = studies(); import lib.studies.cases, lib; print(lib.studies() == before)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_no_circle_of_imports() -> None:
    """Modules import each other at their top level in one direction only."""
    edges = {module_of(path): set(at_the_top(path)) for path in FILES}
    state: dict[str, int] = {}

    def visit(module: str, way: tuple[str, ...]) -> None:
        if state.get(module) == 2:
            return
        assert state.get(module) != 1, f"a circle: {' -> '.join([*way, module])}"
        state[module] = 1
        for there in edges.get(module, ()):
            visit(there, (*way, module))
        state[module] = 2

    for module in edges:
        visit(module, ())


def at_the_top(path: Path) -> Iterator[str]:
    """Modules imported when a file is; not what only a type checker or a function imports."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported(node):
                if name != module_of(path) and not module_of(path).startswith(name + "."):
                    yield name


def forbidden(tree: ast.AST) -> Iterator[str]:
    """Calls and imports that run what they read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in RUNS_WHAT_IT_READS)
        elif isinstance(node, ast.ImportFrom) and node.module in RUNS_WHAT_IT_READS:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from (name for name in FORBIDDEN_CALLS if ast.unparse(node.func) == name)
            dangerous = (key for key in node.keywords if key.arg in ("allow_pickle", "shell"))
            yield from (str(key.arg) for key in dangerous if getattr(key.value, "value", None) is not False)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_nothing_read_from_disk_is_executed(path: Path) -> None:
    assert not list(forbidden(ast.parse(path.read_text(encoding="utf-8"))))


def test_the_search_for_forbidden_calls_finds_them() -> None:
    bad = [
        "import pickle",
        "from marshal import loads",
        "eval(x)",
        "load(f, allow_pickle=True)",
        "yaml.load(f)",
    ]
    good = ["ast.literal_eval(x)", "load(f, allow_pickle=False)", "model.eval()", "import json"]
    assert [len(list(forbidden(ast.parse(line)))) for line in bad] == [1] * len(bad)
    assert not any(list(forbidden(ast.parse(line))) for line in good)
