"""The page "factor_count": what each further family of factors adds, beside random factors of the same number."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.arms import ENDPOINTS
from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import plot, table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.tables import ENDPOINT_FORMATS, ENDPOINT_HEADS, cells
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.stats.power import markets_needed
from lib.studies.factor_count.measure import CHOICE, COUNTS, LEARNERS, LEVEL, STEP, WORLDS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "Does a pipeline predict and earn more with every family of factors that is added, up to all 213? And is it the "
    "choice of these families, or would any factors of the same number do?"
)
ADVICE = (
    "Judge a larger set of factors by what it predicts, before costs, and against a random set of the same size.",
    "The Sharpe ratio of one back-test cannot order sets of factors: between two sets it differs by more from market "
    "to market than the papers report between neighbours in their table.",
)
LEAST, MOST = min(COUNTS), max(COUNTS)
NAMES = {"ridge": "ridge", "mlp": "MLP"}
WORLD_NAMES = {"linear": "alpha linear in factors", "interaction": "reversal in calm stocks only"}
HEADS_OF_WORLDS = {
    "linear": "In the market whose alpha is linear",
    "interaction": "Where the reversal works in calm stocks",
}
TRUTH, GROSS = ENDPOINTS[0], ENDPOINTS[2]
HEADS = {name: ENDPOINT_HEADS[name] for name in ENDPOINTS}
LABELS = {9: "alpha101", 58: "plus_better_best", 108: "plus_old", 144: "plus_stock_extra", 179: "plus_add_change",
          213: "all"}  # fmt: skip
MONOTONE = "B.factors.monotone"
CLAIM_IDS = (*(f"B.factors.{name}.{what}" for name in LABELS.values() for what in ("sharpe", "ic")), MONOTONE)


def step(numbers: OverSeeds, metric: str, more: int, fewer: int, learner: str, world: str = "linear") -> Estimate:
    """A set of families minus a smaller one."""
    return numbers.find(STEP.name(count=more, fewer=fewer, learner=learner, world=world), metric)


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: single steps, the choice of families, the whole range, books; then the other markets."""
    numbers = OverSeeds(frame)
    ran = [(learner, world) for world in WORLDS for learner in LEARNERS if _ran(frame, f", {learner} | {world}")]
    whole = [_whole(numbers, *pair) for pair in ran]
    return [_steps(numbers), _choice(numbers), *whole[:1], _books(frame), *whole[1:]]


def _whole(numbers: OverSeeds, learner: str, world: str) -> Finding:
    """All 213 against the first 9, by the truth IC."""
    gain = step(numbers, TRUTH, MOST, LEAST, learner, world)
    few = numbers.find(LEVEL.name(sets="families", count=LEAST, learner=learner, world=world), TRUTH).value
    head = HEADS_OF_WORLDS[world]
    name = {"ridge": "ridge", "mlp": "the neural network"}[learner]
    numbers_shown: dict[str, Any] = {"few": few, "gain": gain}
    return by_sign(
        gain,
        f"{head}, all 213 factors predict better than the first 9 with {name}: the truth IC rises from {{few:.3f}} by "
        "{gain:+.3f}.",
        f"{head}, all 213 factors predict worse than the first 9 with {name}: the truth IC falls from {{few:.3f}} by "
        "{gain:+.3f}.",
        f"{head}, whether 213 factors predict better than the first 9 with {name} is not decided: truth IC {{few:.3f}} "
        "and {gain:+.3f}.",
        **numbers_shown,
    )


def _steps(numbers: OverSeeds, learner: str = "ridge") -> Finding:
    """How many of the five steps help, by the truth IC; the network's and the books' stand in the table."""
    gains = [step(numbers, TRUTH, more, fewer, learner) for fewer, more in pairwise(COUNTS)]
    up, down = sum(item.low > 0 for item in gains), sum(item.high < 0 for item in gains)
    largest, (fewer, more) = max(zip(gains, pairwise(COUNTS), strict=True), key=lambda pair: pair[0].value)
    total = step(numbers, TRUTH, MOST, LEAST, learner).value
    unknown = math.nan if any(math.isnan(item.low) for item in gains) else 0.0
    shown: dict[str, Any] = {
        "up": up + unknown, "down": down + unknown, "largest": largest, "total": total, "fewer": f"{fewer}",
        "more": f"{more}",
    }  # fmt: skip
    counted = "the truth IC measurably rises in {up:.0f} of the five steps from 9 to 213 and falls in {down:.0f}."
    parts = "The step from {fewer} to {more} factors adds {largest:+.3f}, all five together {total:+.3f}."
    return outcome({
        f"With ridge every step adds to what is predicted: {counted} {parts}": up == 5,
        f"With ridge the gain is not monotone in the number of factors: {counted} {parts}": down > 0,
        f"With ridge not every step is shown to add to what is predicted: {counted} {parts}": True,
    }, **shown)  # fmt: skip


def _choice(numbers: OverSeeds, learner: str = "ridge") -> Finding:
    """The families of the papers against random factors of the same number."""
    sizes = [count for count in COUNTS if count < MOST]
    gaps = [numbers.find(CHOICE.name(count=n, same=n, learner=learner, world="linear"), TRUTH) for n in sizes]
    better, worse = sum(item.low > 0 for item in gaps), sum(item.high < 0 for item in gaps)
    unknown = math.nan if any(math.isnan(item.low) for item in gaps) else 0.0
    shown: dict[str, Any] = {
        "better": better + unknown, "worse": worse + unknown, "sizes": float(len(sizes)), "small": gaps[0],
    }  # fmt: skip
    return outcome({
        "The papers' families predict measurably better than as many random factors at {better:.0f} of {sizes:.0f} "
        "sizes, and worse at {worse:.0f} (ridge). At 9 factors their truth IC differs by {small:+.3f}.": better > worse,
        "The papers' families predict measurably worse than as many random factors at {worse:.0f} of {sizes:.0f} "
        "sizes, and better at {better:.0f} (ridge). At 9 factors their truth IC differs by {small:+.3f}.":
            worse > better,
        "The papers' families do no better than as many random factors: better at {better:.0f} of {sizes:.0f} sizes, "
        "worse at {worse:.0f} (ridge). At 9 factors their truth IC differs by {small:+.3f}.": True,
    }, **shown)  # fmt: skip


def _books(frame: pd.DataFrame) -> Finding:
    """The last step as a book, and how many markets its Sharpe ratio would need."""
    numbers, counts = OverSeeds(frame), list(COUNTS)
    last = STEP.name(count=counts[-1], fewer=counts[-2], learner="mlp", world="linear")
    gross, claimed = numbers.find(last, GROSS), _claimed(counts[-1]) - _claimed(counts[-2])
    sample = numbers.seeds(last, GROSS)
    needed = markets_needed(sample, claimed)
    shown: dict[str, Any] = {"claimed": claimed, "gross": gross, "needed": needed, "had": float(len(sample))}
    return outcome({
        "The papers' last step, from 179 to 213 factors, adds {claimed:+.2f} to their Sharpe ratio. Here, with the "
        "neural network and before costs, it adds {gross:+.2f}. To see a difference of the papers' size would take "
        "{needed:.0f} markets; {had:.0f} were run.": needed > len(sample),
        "The papers' last step, from 179 to 213 factors, adds {claimed:+.2f} to their Sharpe ratio. Here, with the "
        "neural network and before costs, it adds {gross:+.2f}. The {had:.0f} markets that were run are enough for a "
        "difference of the papers' size ({needed:.0f}).": True,
    }, **shown)  # fmt: skip


def _claimed(count: int) -> float:
    """The papers' Sharpe ratio with so many factors."""
    return claimed_value(f"B.factors.{LABELS[count]}.sharpe")


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def curves(shown: PageResult) -> HTML:
    """Truth IC against the number of factors: families and random sets, a tab for each market."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREY

    numbers, said = OverSeeds(shown.rows), findings(shown.rows)

    def line(sets: str, learner: str, world: str, name: str, color: str) -> Line:
        places = [n for n in COUNTS if sets == "families" or n < MOST]
        found = [numbers.find(LEVEL.name(sets=sets, count=n, learner=learner, world=world), TRUTH) for n in places]
        known = [(n, item) for n, item in zip(places, found, strict=True) if not math.isnan(item.value)]
        return Line(name, [n for n, _ in known], [item for _, item in known], color, dashed=sets == "random")

    def picture(world: str) -> HTML:
        panels = {
            NAMES[learner]: [
                line("families", learner, world, "families", BLUE),
                line("random", learner, world, "random set", GREY),
            ]
            for learner in LEARNERS
        }
        kept = {name: lines for name, lines in panels.items() if lines[0].x}
        neutral = f"Truth IC by number of factors: {WORLD_NAMES[world]}"
        title = said[0].title(neutral) if said and world == "linear" else neutral
        return plot(lines_by_group({name: [each for each in lines if each.x] for name, lines in kept.items()}, title,
                                   "number of factors", "truth IC", note=shown.note))  # fmt: skip

    return tabs({WORLD_NAMES[world]: picture(world) for world in WORLDS if _ran(shown.rows, f" | {world}")})


def _ran(frame: pd.DataFrame, ending: str) -> bool:
    return bool(frame["variant"].str.endswith(ending).any())


# -------------------------------------------------------------------------------------------- tables


def levels_table(frame: pd.DataFrame, learner: str = "ridge", world: str = "linear") -> pd.DataFrame:
    """Sets down, endpoints across, with 95 % intervals over markets."""
    numbers = OverSeeds(frame)
    rows = [
        {"factors": f"{count}, {'in the order of the papers' if sets == 'families' else 'at random'}"}
        | cells(numbers, LEVEL.name(sets=sets, count=count, learner=learner, world=world), ENDPOINTS)
        for sets in ("families", "random")
        for count in COUNTS
        if sets == "families" or count < MOST
    ]
    return pd.DataFrame(rows).dropna(axis=1, how="all").dropna(thresh=2)


def differences_table(frame: pd.DataFrame, learner: str = "ridge", world: str = "linear") -> pd.DataFrame:
    """Steps, then choices, down; endpoints across, paired over markets, gross before net."""
    numbers, place = OverSeeds(frame), {"learner": learner, "world": world}
    names = {f"{more} against {fewer}": STEP.name(count=more, fewer=fewer, **place) for fewer, more in pairwise(COUNTS)}
    names[f"{MOST} against {LEAST}"] = STEP.name(count=MOST, fewer=LEAST, **place)
    names |= {f"{n}: the papers' against random": CHOICE.name(count=n, same=n, **place) for n in COUNTS if n < MOST}
    rows = [{"difference": words} | cells(numbers, name, ENDPOINTS) for words, name in names.items()]
    return pd.DataFrame(rows).dropna(axis=1, how="all").dropna(thresh=2)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The sets of ridge on the market with linear alpha."""
    return levels_table(frame).set_index("factors")


def levels(shown: PageResult) -> HTML:
    """Every set, a tab for each learner and market."""
    return _tabbed(shown, levels_table, "factors", "factor_count")


def differences(shown: PageResult) -> HTML:
    """Every difference, a tab for each learner and market."""
    return _tabbed(shown, differences_table, "difference", "factor_count_differences")


def _tabbed(shown: PageResult, build: Any, first: str, name: str) -> HTML:
    parts = {}
    for world in WORLDS:
        for learner in LEARNERS:
            found = build(shown.rows, learner, world)
            if len(found):
                label = f"{NAMES[learner]}, {WORLD_NAMES[world]}"
                parts[label] = table(found, f"{name}_{learner}_{world}", columns={first: first} | HEADS,
                                     formats=ENDPOINT_FORMATS, caption=f"{label}; {shown.note}")  # fmt: skip
    return tabs(parts)


# -------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Levels of the papers' table and its order, with the MLP on the market whose alpha is linear.

    Other market, ridge or MLP and an equal-weight book of the top names: the setting is different. Sharpe ratios are
    the papers' own back-test, in which every order fills at the close.
    """
    numbers, answers = OverSeeds(frame), []
    for count, label in LABELS.items():
        variant = LEVEL.name(sets="families", count=count, learner="mlp", world="linear")
        for what, metric in (("sharpe", "naive_close.sharpe"), ("ic", "apparent_ic")):
            item = answered(numbers, variant, metric, "level")
            note = f"simulated market, MLP, {count} factors: {metric}"
            answers += level_answer(f"B.factors.{label}.{what}", item, note, "factor_count")
    return [*answers, *_order(numbers)]


def _order(numbers: OverSeeds) -> list[Answer]:
    """Each of the five families raises the Sharpe ratio, gross of costs, and the IC: ten paired differences."""
    keys = [
        (STEP.name(count=more, fewer=fewer, learner="mlp", world="linear"), metric)
        for fewer, more in pairwise(COUNTS)
        for metric in ("naive_close.active_sharpe_gross", "m1_ic")
    ]
    parts = [(part.value, part.low, part.high) for part in (numbers.find(*key) for key in keys)]
    if any(math.isnan(low) for _, low, _ in parts):
        return []
    note = "simulated market, MLP: five steps, active Sharpe ratio gross of costs and IC on tradable cells"
    behind = markets_behind(numbers, keys)
    return [Answer(MONOTONE, note=note, page="factor_count", parts=parts, markets=behind)]
