"""Factors have the same bits on every processor: whatever its vectors, the order of imports, threads and blocks.

And where the machine code of a processor is kept, and which implementation runs.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import factor_digest
import numba
import numpy as np
import pytest
import torch
from kernel_cases import cells_of
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from overlay import rebuilt, rough_panel

from lib import compiled
from lib.errors import ParameterError, SlowStartWarning
from lib.graph import Block
from lib.kernels import switch, windows
from lib.kernels.compiled import build
from lib.ops import ts_max

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
STRICT = [["213", "strict", 1, None], ["101", "strict", 1, None]]
SKIP = [["213", "skip", 1, None], ["101", "skip", 1, None]]
#: imported first, and how the factors are computed then
ORDERS = {"numpy": (2, 7), "torch": (1, 64), "pandas": (2, 33)}


@pytest.fixture(scope="module")
def panel_file(tmp_path_factory) -> Path:
    """120 days of 60 stocks with limit days, halts, holes, market values and industries."""
    raw = rough_panel(60, 120)
    classes = np.array(["C26", "C39", "J66", "K70", "I65"])[np.arange(60) % 5]
    fields = raw.fields | {"cap": raw.fields["close"] * np.linspace(1e8, 9e9, 60)}
    fields["industry"] = np.broadcast_to(classes, raw.shape).copy()
    file = tmp_path_factory.mktemp("panel") / "panel.npz"
    factor_digest.save(rebuilt(raw, fields), file)
    return file


def digests(file: Path, requests: list[list[Any]], first: str = "lib", primitives: bool = False, **environment: str):
    """Digests of a child process, and what it takes the processor for."""
    wanted = {"imports": [first], "panel": str(file), "requests": requests, "primitives": primitives}
    path = os.pathsep.join([str(ROOT), str(SUPPORT)])
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "factor_digest.py"), json.dumps(wanted)],
        env=os.environ | {"PYTHONPATH": path} | environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["found"], answer["machine"]


@pytest.fixture(scope="module")
def here(panel_file) -> dict[str, str]:
    """Digests of this machine as it is, in one thread and blocks of the usual size."""
    found, _ = digests(panel_file, STRICT + SKIP, primitives=True, OMP_NUM_THREADS="1")
    assert len({key for key in found if key.endswith("strict")}) == 213 + 101
    return found


def differing(found: dict[str, str], here: dict[str, str]) -> list[str]:
    assert found
    return [name for name, digest in found.items() if digest != here[name]]


@pytest.mark.parametrize("first", ORDERS)
def test_imports_threads_and_blocks_change_no_bit(first, here, panel_file):
    threads, block_days = ORDERS[first]
    requests = [[family, window, threads, block_days] for family, window, *_ in STRICT + SKIP]
    found, _ = digests(panel_file, requests, first, OMP_NUM_THREADS=str(threads))
    assert not differing(found, here)


#: vectors -> the processor that numba compiles for, its features beside those of the name, and other libraries' words
VECTORS = {
    "AVX512F": ("skylake-avx512", "-prefer-256-bit", "avx512", "SkylakeX", "AVX512", ""),
    "AVX2": ("haswell", "", "avx2", "Haswell", "AVX2", "-AVX512F,-AVX512VL"),
    "SSE42": ("nehalem", "", "default", "Nehalem", "SSE4_2", "-AVX512F,-AVX512VL,-AVX2,-AVX,-FMA"),
}


def numpy_beyond(vectors: str) -> list[str]:
    """What numpy of this build would use on this machine although the vectors are wider."""
    usable = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    wider = {"AVX512F": [], "AVX2": [name for name in usable if "512" in name or name == "X86_V4"], "SSE42": usable}
    return wider[vectors]


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="the names are those of x86")
@pytest.mark.parametrize("vectors", ["AVX2", *(pytest.param(v, marks=pytest.mark.slow) for v in ("AVX512F", "SSE42"))])
def test_narrower_vectors_change_no_bit(vectors, here, panel_file):
    if not __cpu_features__[vectors]:
        pytest.skip(f"this processor has no {vectors}")
    name, features, torchs, openblas, mkl, without = VECTORS[vectors]
    numpys = {"NPY_DISABLE_CPU_FEATURES": " ".join(numpy_beyond(vectors))} if numpy_beyond(vectors) else {}
    requests = STRICT if vectors == "AVX2" else STRICT + SKIP
    found, machine = digests(
        panel_file, requests, primitives=True, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features,
        ATEN_CPU_CAPABILITY=torchs, OPENBLAS_CORETYPE=openblas, MKL_ENABLE_INSTRUCTIONS=mkl,
        GLIBC_TUNABLES=f"glibc.cpu.hwcaps={without}", **numpys,
    )  # fmt: skip
    assert machine["numba"] == name and machine["torch"].lower() == torchs
    assert not set(machine["numpy"]) & set(numpy_beyond(vectors))
    assert not differing(found, here)


# ------------------------------------------------------- where machine code is kept


@pytest.fixture
def places(tmp_path, monkeypatch) -> list[Path]:
    """Where machine code may be kept; a test may put others before it."""
    found = [tmp_path / "last"]
    monkeypatch.setattr(build, "_places", lambda: found)
    return found


def chosen() -> Path | None:
    """The folder that a new process would use."""
    return build.cache_folder.__wrapped__()


def test_the_folder_is_named_by_every_byte_of_the_sources(tmp_path, monkeypatch, places):
    copy = tmp_path / "compiled"
    shutil.copytree(build.SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = build.sources_digest()
    monkeypatch.setattr(build, "SOURCES", copy)
    assert build.sources_digest() == before and chosen() == places[0] / before
    seen, files = {before}, sorted(copy.glob("*.py"))
    for path in files:
        path.write_bytes(path.read_bytes() + b"\n")
        seen.add(build.sources_digest())
    (copy / "sums.py").rename(copy / "totals.py")
    seen.add(build.sources_digest())
    (copy / "new.py").touch()
    seen.add(build.sources_digest())
    assert len(seen) == len(files) + 3
    (copy / "notes.txt").touch()
    assert build.sources_digest() in seen and chosen() == places[0] / build.sources_digest()


def test_the_environment_names_a_place_before_all_others(tmp_path, monkeypatch):
    monkeypatch.setenv(build.VARIABLE, str(tmp_path / "chosen"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    first, *others, last = build._places()
    assert first == tmp_path / "chosen" and last == tmp_path / "user" / "mask-first-book" / "kernels"
    assert others == [build.PROJECT / ".cache" / "kernels"] and chosen() == first / build.sources_digest()
    monkeypatch.delenv(build.VARIABLE)
    assert build._places() == [*others, last]


@pytest.mark.skipif(os.name != "posix", reason="permissions of a POSIX system")
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_folder_that_others_can_write_to_is_not_used(mode, tmp_path, places):
    places.insert(0, tmp_path / "first")
    assert chosen() == tmp_path / "first" / build.sources_digest()
    assert chosen().stat().st_mode & 0o777 == 0o700
    chosen().chmod(mode)
    assert chosen() == tmp_path / "last" / build.sources_digest()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners of a POSIX system")
def test_a_folder_of_another_user_is_not_used(places, monkeypatch):
    assert chosen() is not None
    monkeypatch.setattr(os, "getuid", lambda: places[0].stat().st_uid + 1)
    with pytest.warns(SlowStartWarning):
        assert chosen() is None


def test_without_a_folder_kernels_are_compiled_anew_and_it_is_said(tmp_path, places, monkeypatch):
    (tmp_path / "file").touch()
    places[:] = [tmp_path / "file" / "a", tmp_path / "file" / "b"]
    with pytest.warns(SlowStartWarning, match=r"none of .*a, .*b can be written .* make one of them writable") as said:
        assert chosen() is None
    assert len(said) == 1
    monkeypatch.setattr(build, "cache_folder", lambda: None)
    assert build.compiled(doubled)(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0] and not list(tmp_path.rglob("*.nb?"))


def doubled(x):
    return 2 * x


def test_machine_code_goes_to_the_folder_and_numbas_own_setting_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "elsewhere")
    monkeypatch.setattr(build, "cache_folder", lambda: tmp_path)
    kernel = build.compiled(doubled)
    assert numba.config.CACHE_DIR == "elsewhere"
    kernel(np.arange(3.0))
    assert len(list(tmp_path.rglob("*.nbc"))) == 1 and numba.config.CACHE_DIR == "elsewhere"
    with pytest.raises(RuntimeError), build._caching_in(tmp_path):
        assert str(tmp_path) == numba.config.CACHE_DIR
        raise RuntimeError
    assert numba.config.CACHE_DIR == "elsewhere"


# ------------------------------------------------------------------ which one runs


@pytest.fixture
def ran(monkeypatch) -> list[str]:
    """Which implementation of the extremes was called."""
    calls: list[str] = []

    def spied(module: Any, function: str, name: str) -> None:
        original = getattr(module, function)
        monkeypatch.setattr(module, function, lambda *given: calls.append(name) or original(*given))

    spied(compiled.extremes, "window_extreme", "compiled")
    spied(windows, "extreme", "tensors")
    return calls


def largest() -> list[float]:
    return ts_max.step([cells_of([[1.0], [3.0], [2.0]]), 2], Block(1)).values.flatten().tolist()


def test_one_of_two_implementations_runs_and_the_choice_is_given_back(ran):
    with switch.kernels("compiled"):
        assert largest() == [3.0, 3.0]
        with switch.kernels("tensors"):
            assert largest() == [3.0, 3.0]
        with pytest.raises(RuntimeError), switch.kernels("tensors"):
            raise RuntimeError
        with pytest.raises(ParameterError, match="'nonsense'; expected 'compiled' or 'tensors'"):
            switch.kernels("nonsense").__enter__()
        assert largest() == [3.0, 3.0]
        assert not switch.runs_compiled(torch.empty(1, device="meta"))
    assert ran == ["compiled", "tensors", "compiled"]


@pytest.mark.parametrize("said,meant", [(None, "compiled"), ("", "compiled"), ("tensors", "tensors")])
def test_the_environment_chooses(said, meant, monkeypatch):
    monkeypatch.delenv("LIB_KERNELS", raising=False)
    if said is not None:
        monkeypatch.setenv("LIB_KERNELS", said)
    assert switch._Choice().name == meant


def test_an_unknown_choice_is_refused_when_lib_is_loaded():
    code = "import lib.kernels.switch"
    environment = os.environ | {"LIB_KERNELS": "nonsense", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "ParameterError: LIB_KERNELS: got 'nonsense'" in done.stderr
