"""A small study for the tests: one learner that is a fixed sequence of operations, and one that is trained."""

from __future__ import annotations

import zlib

import numpy as np

from lib.models.networks import MLP
from lib.models.training import Protocol, initialised, predict, train
from lib.models.validation import Validation
from lib.paper.results.agreement import EXACT, TRAINED
from lib.paper.results.study import Contrast, RowResult, Study
from lib.stats import ic, prediction_interval

DAYS, STOCKS, FACTORS = 300, 30, 6
ROUNDING = 0.0  # relative size of what another machine would compute otherwise
SEED_SHIFT = 0


def grid(settings):
    return [
        {"variant": f"{mask} {learner}", "seed": seed, "mask": mask, "learner": learner}
        for seed in settings["seeds"]
        for learner in ("ridge", "mlp")
        for mask in ("all", "half")
    ]


def compute(row, settings):
    factors, outcome = market()
    days = DAYS // 2 if row["mask"] == "all" else DAYS // 4
    fit = factors[:days].reshape(-1, FACTORS), outcome[:days].ravel()
    tested = factors[DAYS // 2 :]
    learner = {"ridge": ridge, "mlp": mlp}[row["learner"]]
    prediction = learner(fit, row["seed"])(tested.reshape(-1, FACTORS)).reshape(tested.shape[:2])
    daily = ic(prediction, outcome[DAYS // 2 :], np.ones(prediction.shape, dtype=bool))
    sure = float((np.diff(np.sign(prediction), axis=0) != 0).mean())
    records = [*interval("ic", daily, row), {"metric": "turned", "value": sure, "n": DAYS // 2}]
    return RowResult([*records, {"metric": "coverage", "value": 0.5, "n": prediction.size}], {"ic": daily})


def market():
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(DAYS, STOCKS, FACTORS))
    outcome = 0.2 * factors[..., 0] + 0.2 * np.abs(factors[..., 1]) + rng.normal(size=(DAYS, STOCKS))
    return (factors * (1 + ROUNDING * rng.normal(size=factors.shape))).astype(np.float32), outcome


def ridge(fit, seed):
    x, y = fit[0].astype(np.float64), fit[1]
    return lambda rows: np.einsum("rf,f->r", rows, np.linalg.solve(x.T @ x + np.eye(FACTORS), x.T @ y))


def mlp(fit, seed):
    network = initialised(MLP, FACTORS, seed + SEED_SHIFT)
    cut = len(fit[1]) // STOCKS * 9 // 10 * STOCKS
    held_out = Validation(fit[0][cut:], fit[1][cut:], np.arange(len(fit[1]) - cut) // STOCKS)
    sample, protocol = (fit[0][:cut], fit[1][:cut]), Protocol(epochs=1, batch=256)  # seeds still differ
    fitted = train(network, sample, held_out, seed=seed + SEED_SHIFT, protocol=protocol)
    return lambda rows: predict(fitted, rows)


def interval(name, daily, row):
    rng = np.random.default_rng([zlib.crc32(row["variant"].encode()), row["seed"]])
    found = prediction_interval(daily, np.mean, length=DAYS, rng=rng, n_samples=300)
    values = {"": found.value, ".low": found.low, ".high": found.high}
    return [{"metric": name + end, "value": value, "n": len(daily)} for end, value in values.items()]


def by_learner(row):
    return f"{row['learner']} {row['seed']}"


def contrast(rows, settings):
    left, right = (result.arrays["ic"] for _, result in rows)
    config = {"variant": f"all - half {rows[0][0]['learner']}", "seed": rows[0][0]["seed"]}
    return RowResult([{**record, "variant": config["variant"]} for record in interval("ic", left - right, config)])


def agreement(row):
    return TRAINED if row["learner"] == "mlp" else EXACT


STUDY = Study(
    name="trained",
    title="A trained toy",
    grid=grid,
    compute=compute,
    contrast=Contrast(contrast, by=by_learner),
    agreement=agreement,
    tolerances={"coverage": 1e-6},
)
