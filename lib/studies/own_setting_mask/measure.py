"""The mask ablation in the papers' own setting: their generator, their split, their back-test.

Paper B, appendix B, has Sharpe ratios 1.61, 1.74 and 2.05 for no mask, halts masked, everything masked, on a panel of
one-factor geometric Brownian motion. Here the same three masks are run on that generator, many times. Nothing can be
predicted in it and hardly a close meets a limit; but intersecting the masks of 213 factors leaves many cells without a
prediction, so books differ in what they trade. Which difference is which is told apart by gross and net results, by
three answers to what happens to a name without a prediction, and by controls that take the same share of names from
the unmasked model at random.

`mask`: one mask and learner. `equal weight`: every name, the market itself. A contrast takes the rows of one market and
learner together.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from lib.evaluation.simulated import chosen_factors
from lib.market import Market, paper_gbm
from lib.models.learners import TRAINED as TRAINED_LEARNERS
from lib.models.splits import Split
from lib.paper.results.agreement import SIMULATED, TRAINED, Agreement
from lib.paper.results.study import Config, RowResult, Settings
from lib.parameters import Parameter
from lib.portfolio.lagged import OUTSIDE, LaggedBook, lagged_book
from lib.stats.keys import Key
from lib.store.rows import Record, records
from lib.studies.own_setting_mask.scores import (
    CONTROLS,
    COSTS_BPS,
    MASKS,
    Books,
    Desk,
    book_differences,
    book_numbers,
    mask_samples,
    match_turnover,
    mean_ics,
    mean_turnover,
    names_within,
    papers_split,
    predict,
)

#: the one seed that the papers name
PAPER_SEED = 42
#: a condition, and the book of all names; another condition
ALL, EQUAL = "all factors", "equal weight"
LARGE = "the papers' size"
#: the masks, from the papers' first row to the last
NAMES = ("none", "halt", "full")
#: the unmasked model with names taken away at random: drawn anew every day; where another stock has none
FROZEN = ("frozen daily", "frozen elsewhere")
#: (left, right): the papers' ladder step by step, and as a whole
STEPS = (("halt", "none"), ("full", "halt"), ("full", "none"))
#: (left, right): what the controls explain of full - none, and what is left; both ends against the market
EXPLAINED = (*((name, "none") for name in FROZEN), *(("full", name) for name in FROZEN))
AGAINST_MARKET = (("none", EQUAL), ("full", EQUAL))
PAIRS = (*STEPS, *EXPLAINED, *AGAINST_MARKET)
LEARNERS = ("ridge", "lightgbm", "mlp")
COMPARED = (*NAMES, *FROZEN, *(f"{left} - {right}" for left, right in PAIRS))
#: variant of a mask or control, or of a difference of two
LEVEL = Key("{side} {learner} | {condition}", side=COMPARED, learner=LEARNERS)


def within(longest: int) -> str:
    """The condition of factors that read at most so many days.

    >>> within(20)
    'windows to 20 days'
    """
    return f"windows to {longest} days"


def grid(settings: Settings) -> Iterator[Config]:
    """Masks side by side for every learner; factors with short windows, and the papers' size, with ridge."""
    base: Config = {"n_stocks": settings["n_stocks"], "k": settings["k"], "longest": None, "condition": ALL}
    trained = {"lightgbm": {"rounds": settings["rounds"]}, "mlp": {"epochs": settings["epochs"]}}
    seeds = settings["seeds"]
    learners = {name: settings.get(f"{name}_seeds", len(seeds)) for name in settings["learners"]}
    for number, seed in enumerate(seeds):
        yield {"variant": f"{EQUAL} | {ALL}", "seed": seed, "mask": "", "learner": "", **base}
        for mask in settings["masks"]:
            for learner, count in learners.items():
                if number < count:
                    yield _row(mask, learner, seed, base | trained.get(learner, {}))
        for longest in settings["windows"] if number < settings["window_seeds"] else ():
            for mask in settings["masks"]:
                yield _row(mask, "ridge", seed, base | {"longest": longest, "condition": within(longest)})
    if settings["large_stocks"]:
        large = base | {"n_stocks": settings["large_stocks"], "condition": LARGE}
        yield {"variant": f"{EQUAL} | {LARGE}", "seed": PAPER_SEED, "mask": "", "learner": "", **large}
        yield from (_row(mask, "ridge", PAPER_SEED, large) for mask in settings["masks"])


def _row(mask: str, learner: str, seed: int, rest: Config) -> Config:
    variant = LEVEL.name(side=mask, learner=learner, condition=rest["condition"])
    return {"variant": variant, "seed": seed, "mask": mask, "learner": learner, **rest}


def group(row: Config) -> str:
    """Rows on the same samples, which their learners share; of a large panel all rows, one mask after the other."""
    mask = "" if row["condition"] == LARGE else row["mask"]
    return f"{row['seed']} {row['condition']} {mask}"


@lru_cache(maxsize=1)
def _market(n_stocks: int, n_days: int, seed: int) -> Market:
    return paper_gbm(n_stocks, n_days, seed)


def _panel(row: Config, settings: Settings) -> Any:
    return _market(row["n_stocks"], settings["n_days"], row["seed"]).panel


def _split(settings: Settings) -> Split:
    return papers_split(settings["n_days"], settings["validation_days"], settings["test_days"])


#: the samples used last, gigabytes of them: an older one goes before the next is made, unlike in an lru_cache
_samples: dict[tuple[Any, ...], Any] = {}


def _samples_of(row: Config, settings: Settings) -> Any:
    key = (row["n_stocks"], settings["n_days"], row["seed"], row["mask"], row["longest"], settings["factors"])
    if key not in _samples:
        _samples.clear()
        names = names_within(chosen_factors(settings["factors"]), row["longest"])
        _samples[key] = mask_samples(_panel(row, settings), row["mask"], names)
    return _samples[key]


def compute(row: Config, settings: Settings) -> RowResult:
    panel, split = _panel(row, settings), _split(settings)
    desk = Desk.of(panel, split, row["k"])
    if not row["mask"]:
        return RowResult(records(book_numbers({EQUAL: equal_weight(panel, desk)}), variant=row["variant"]))
    options = {name: row[name] for name in ("rounds", "epochs") if name in row}
    prediction = predict(_samples_of(row, settings), split, row["learner"], row["seed"], **options)
    members = panel.universe[desk.test]
    numbers = mean_ics(panel, prediction, desk.test)
    numbers["coverage"] = float(np.isfinite(prediction[desk.test])[members].mean())
    numbers |= book_numbers(desk.books(prediction))
    return RowResult(records(numbers, variant=row["variant"]), {"prediction": prediction[split.validation_start :]})


def equal_weight(panel: Any, desk: Desk) -> LaggedBook:
    """Every name at the same weight: in this back-test it never trades after the first day."""
    names = (panel.universe & panel.observed)[desk.test]
    weights = names / np.maximum(names.sum(axis=1, keepdims=True), 1)
    return lagged_book(weights, desk.next_return[desk.test])


# --------------------------------------------------------------------------------------------- contrasts


def contrast(rows: Sequence[tuple[Config, RowResult]], settings: Settings) -> RowResult:
    """The pairs of masks on one market with one learner, and the unmasked model with names taken away at random."""
    rows, split = [item for item in rows if item[0]["mask"]], _split(settings)
    if not rows:
        return RowResult([])
    first = rows[0][0]
    panel = _panel(first, settings)
    desk = Desk.of(panel, split, first["k"])
    setting = {name: first[name] for name in ("learner", "condition")}
    sides = {row["mask"]: whole(panel, split, result.arrays["prediction"]) for row, result in rows}
    books: dict[str, Books] = {mask: desk.books(prediction) for mask, prediction in sides.items()}
    books[EQUAL] = dict.fromkeys(OUTSIDE, equal_weight(panel, desk))
    found: list[Record] = []
    if {"none", "full"} <= sides.keys():
        for name, control in CONTROLS.items():
            rng = np.random.default_rng([zlib.crc32(name.encode()), first["seed"]])
            books[name] = desk.books(control(sides["none"], sides["full"], rng))
            found += records(book_numbers(books[name]), variant=LEVEL.name(side=name, **setting))
    for left, right in PAIRS:
        if left in books and right in books:
            numbers = book_differences(books[left], books[right])
            if left in sides and right in sides:
                numbers |= _sides_differ(panel, desk, left, right, sides)
            found += records(numbers, variant=LEVEL.name(side=f"{left} - {right}", **setting))
    return RowResult(found)


def whole(panel: Any, split: Split, stored: np.ndarray) -> np.ndarray:
    """The predictions that a row kept, as [T, N] again."""
    prediction = np.full(panel.shape, np.nan, dtype=np.float32)
    prediction[split.validation_start :] = stored
    return prediction


def _sides_differ(panel: Any, desk: Desk, left: str, right: str, sides: Mapping[str, np.ndarray]) -> dict[str, float]:
    """ICs on the cells that both predict, how far masks and books differ, and books at one turnover."""
    a, b = sides[left], sides[right]
    common = np.isfinite(a) & np.isfinite(b)
    ics = [mean_ics(panel, side, desk.test, common) for side in (a, b)]
    found = {name: ics[0][name] - ics[1][name] for name in ics[0] if name in ics[1]}
    masks = [panel.with_mask(MASKS[mask].cells).mask for mask in (left, right)]
    found["cells masked by one only"] = float((masks[0] != masks[1]).sum())
    for outside in OUTSIDE:
        apart = np.abs(desk.weights(a, outside) - desk.weights(b, outside)).sum(axis=1)
        found[f"{outside}.weight apart"] = float(apart.mean()) / 2
        found |= {f"{outside}.matched.{name}": value for name, value in matched(desk, a, b, outside).items()}
    return found


def matched(desk: Desk, left: np.ndarray, right: np.ndarray, outside: str) -> dict[str, float]:
    """Differences of the test days once a buffer, set on the validation days, has brought the turnovers together."""
    match = match_turnover(desk, left, right, outside)
    books = [desk.book(side, outside, buffer) for side, buffer in zip((left, right), match.buffers, strict=True)]
    different = book_differences({"": books[0]}, {"": books[1]})
    turnovers = [mean_turnover(book) for book in books]
    return {
        **{f"{bps}bps.sharpe": different[f".{bps}bps.sharpe"] for bps in COSTS_BPS if f".{bps}bps.sharpe" in different},
        "turnover": different[".turnover"],
        "validation turnover ratio": match.ratio,
        "test turnover ratio": turnovers[0] / turnovers[1] if turnovers[1] else np.inf,
        "within 5 %": float(match.close),
    }


def by_learner_and_market(row: Config) -> str:
    """The equal-weight row of a market goes with ridge, though no contrast needs it."""
    return f"{row['condition']} {row['learner'] or 'ridge'} {row['seed']}"


def agreement(row: Config) -> Agreement:
    return TRAINED if row["learner"] in TRAINED_LEARNERS else SIMULATED


def count(default: int, what: str) -> Parameter:
    return Parameter(int, default, low=0, high=1000, help=f"markets of {what}: the first so many seeds")
