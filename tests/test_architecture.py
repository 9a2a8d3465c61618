"""The shape of `lib`: imports run one way, files are short, nothing is executed that was read from disk."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "lib").rglob("*.py"))
CODE = [*FILES, *sorted((ROOT / "tests").rglob("*.py"))]
LINES = 450

#: from the ground up; a part may import what stands on a lower line, and itself
LAYERS = (
    ("errors",),
    ("days", "marks"),
    ("exchanges", "kernels", "listing", "parameters", "sources", "stats", "store"),
    ("code", "limits"),
    ("day_limits",),
    ("block", "masked", "reasons"),
    ("compiled", "eager"),
    ("graph",),
    ("ops", "engine", "panel"),
    ("factors", "typeset"),
    ("prepare",),
    ("load", "market", "events"),
    ("audit", "bench", "models", "portfolio", "travel"),
    ("claims", "findings"),
    ("figures",),
    ("studies",),
    ("exhibits", "ledger", "page", "site"),
    ("notebooks",),
    ("book",),
    ("__main__",),
)
LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}

#: imported only by what needs them, inside the function that does: each takes a second or more
HEAVY = ("torch", "cvxpy", "sklearn", "lightgbm", "xgboost", "statsmodels", "matplotlib", "papermill")
NOT_AT_IMPORT = {*HEAVY, "numpy", "pandas", "scipy"}
RUNS_WHAT_IT_READS = ("pickle", "dill", "marshal", "shelve")
FORBIDDEN_CALLS = ("eval", "exec", "compile", "__import__", "joblib.load", "torch.load", "yaml.load")


def part_of(module: str) -> str:
    """lib.factors.formulas.old -> factors; lib itself, the public face, -> ''."""
    return module.split(".")[1] if "." in module else ""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """The modules of lib that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "lib")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: write the full name instead of a relative import"
            if node.module == "lib":
                yield from (f"lib.{alias.name}" for alias in node.names if alias.name in LEVEL)
            elif (node.module or "").startswith("lib."):
                yield str(node.module)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_run_one_way(path: Path) -> None:
    here = part_of(module_of(path))
    if here == "":
        return
    assert here in LEVEL, f"{here}: a new part of lib; give it a place in LAYERS"
    for module in imported(path):
        there = part_of(module)
        allowed = there in ("", here) or LEVEL.get(there, len(LAYERS)) < LEVEL[here]
        assert allowed, f"{module_of(path)} imports {module}, which stands beside or above it"


def test_the_public_face_imports_nothing_heavy() -> None:
    program = f"import sys, lib; print(sorted({NOT_AT_IMPORT!r} & set(sys.modules)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES, f"{lines} lines: more than one idea?"


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
