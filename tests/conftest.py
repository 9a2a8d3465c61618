"""What all tests share: where the real price files are, and that having them means using them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# before numpy or torch are imported: small arrays, and several test runs may share a machine
os.environ.setdefault("OMP_NUM_THREADS", "1" if "PYTEST_XDIST_WORKER" in os.environ else "2")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("MPLBACKEND", "Agg")
for setting in ("LIB_JOBS", "LIB_BACKEND", "LIB_CACHE"):  # of whoever runs the tests
    os.environ.pop(setting, None)


def data_folder() -> Path | None:
    """The folder of real price files, from DATA_DIR; None when it is not set."""
    named = os.environ.get("DATA_DIR")
    return Path(named).expanduser().resolve() if named else None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real price files; a test that asks for it is skipped where there is none."""
    folder = data_folder()
    if folder is None:
        pytest.skip("needs real prices: set DATA_DIR to the folder of the price files")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    folder = data_folder()
    if folder is not None and not folder.is_dir():
        raise pytest.UsageError(f"DATA_DIR: no such folder: {folder}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for the price files is a data test, marked so or not."""
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A data test that is skipped although the data is there has failed."""
    report = yield
    counts = item.get_closest_marker("data") is not None and data_folder() is not None
    if counts and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped although DATA_DIR is set ({reason})"
    return report
