"""A small study for the tests: cheap rows, an input file, contrasts, and a log of what was computed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from lib.paper.claims import Answer
from lib.paper.results.study import Contrast, Page, RowResult, Study
from lib.parameters import Parameter


def grid(settings):
    return [{"variant": v, "seed": s} for s in settings["seeds"] for v in settings["variants"]]


def compute(row, settings):
    if log := os.environ.get("TOY_LOG"):
        with Path(log).open("a", encoding="utf-8") as stream:
            stream.write(f"{row['variant']} {row['seed']} {os.getpid()}\n")
    if row["variant"] == settings["fail_on"]:
        raise ZeroDivisionError("asked to fail")
    rng = np.random.default_rng([row["seed"], len(row["variant"])])
    series = rng.normal(size=settings["days"]) + settings["shift"]
    if settings["data_path"]:
        series += float(Path(settings["data_path"]).read_text(encoding="utf-8"))
    half = 1.96 * series.std() / len(series) ** 0.5
    values = {"mean": series.mean(), "mean.low": series.mean() - half, "mean.high": series.mean() + half}
    records = [{"metric": name, "value": value, "n": len(series)} for name, value in values.items()]
    return RowResult([*records, {"metric": "undefined", "value": np.nan}], {"series": series})


def contrast(rows, settings):
    series = {row["variant"]: result.arrays["series"] for row, result in rows}
    first, *others = series
    return RowResult(
        [
            {
                "variant": f"{other} - {first}",
                "metric": "mean",
                "value": (series[other] - series[first]).mean(),
                "n": 1,
            }
            for other in others
        ]
    )


def inputs(settings):
    return [settings["data_path"]] if settings["data_path"] else []


def claims(frame):
    means = frame.loc[(frame["variant"] == "plain") & (frame["metric"] == "mean"), "value"]
    return [
        Answer("B.ablation.full.ic", means.mean(), means.min() - 1, means.max() + 1, "reduced", page="toy")
    ]


def group_by_variant(row):
    return row["variant"]


STUDY = Study(
    name="toy",
    title="A toy",
    grid=grid,
    compute=compute,
    parameters={
        "days": Parameter(int, 50, low=2),
        "shift": Parameter(float, 0.0),
        "variants": Parameter(list, ["plain", "twisted"]),
        "data_path": Parameter(str, None, optional=True),
        "fail_on": Parameter(str, "nothing"),
    },
    scales={"smoke": {"days": 10}, "paper": {"days": 100, "seeds": 3}},
    group=group_by_variant,
    inputs=inputs,
    grid_only=("variants",),
    setting="reduced",
    contrast=Contrast(contrast),
    evidence="real",
    page=Page(answers=claims, claims=("B.ablation.full.ic",)),
)
