"""Rows on other processes, of this machine or of a cluster, give the table that this process gives."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from lib import run_study

ROOT = Path(__file__).parents[2]
TINY = {"n_stocks": 40, "n_days": 510, "first_test_year": 2011, "samples": 20, "learners": ["ridge"],
        "variants": ["none", "mask_skip"]}  # fmt: skip


@pytest.fixture(scope="module")
def alone() -> pd.DataFrame:
    return run_study("mask_ablation", scale="smoke", seeds=2, fresh=True, **TINY).frame


def test_loky_gives_the_same_table(alone, tmp_path):
    found = run_study("mask_ablation", scale="smoke", seeds=2, jobs=2, backend="loky", cache=tmp_path, **TINY)
    pd.testing.assert_frame_equal(alone, found.frame, check_exact=True)
    assert not any(row.cached for row in found.rows)


def test_a_dask_cluster_of_two_workers_gives_the_same_table(alone, tmp_path, monkeypatch):
    """Worker processes that share nothing with this one but the folder of stored rows."""
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__DAEMON", "False")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        assert len(client.scheduler_info()["workers"]) == 2
        found = run_study("mask_ablation", scale="smoke", seeds=2, jobs=2, backend="dask", cache=tmp_path, **TINY)
        workers = set(client.run(os.getpid).values())
    assert len(workers) == 2 and os.getpid() not in workers
    pd.testing.assert_frame_equal(alone, found.frame, check_exact=True)
    assert len(list((tmp_path / "studies" / "mask_ablation").glob("*.row"))) == 6, "the workers stored the rows"
