"""Every row has one thread, so that its numbers do not depend on how many are computed side by side."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

import pytest
import torch
import toy_study
from threadpoolctl import threadpool_info

from lib.paper.results.study import RowResult
from lib.studies import run_study

TOY = toy_study.STUDY
Barrier = threading.Barrier(1)


def threads_of_rows(row, settings):
    """How many threads torch and the libraries of linear algebra have, after a moment in which other rows run too."""
    Barrier.wait()
    blas = [item["num_threads"] for item in threadpool_info() if item["user_api"] == "blas"]
    most = max([torch.get_num_threads(), *blas])
    Barrier.wait()
    return RowResult([{"metric": "threads", "value": float(most)}], {})


@pytest.mark.parametrize(
    ("jobs", "evidence", "expected"), [(1, "simulated", 1), (3, "simulated", 1), (1, "machine", 3)]
)
def test_a_row_has_one_thread_whatever_runs_beside_it(tmp_path, monkeypatch, jobs, evidence, expected):
    monkeypatch.setattr(sys.modules[__name__], "Barrier", threading.Barrier(jobs, timeout=60))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        study = replace(TOY, compute=threads_of_rows, contrast=None, evidence=evidence)
        found = run_study(study, seeds=1, variants=["plain", "b", "c"], jobs=jobs, backend="threading", cache=tmp_path)
        assert set(found.frame["value"]) == {float(expected)} and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
