"""Tables of what needs no sampling, and the answers to the papers' claims that are only arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from lib.paper.claims import Answer, Claim, load_ledger
from lib.stats.over_seeds import OverSeeds, interval_table, sources_of

ARITHMETIC = "arithmetic"
PAGE = "identities"
EXACT = 1e-9
#: width of the authors' package; the text lost the number
PACKAGE_WIDTH = 64
FIRST_WIDTH = "smallest of them"
PLAIN_READING = "positions of the factors alone"
CLAIM_IDS = (
    "A.rank.double_argsort",
    "A.conv.rolling",
    "B.params.mlp",
    "B.params.transformer",
    "B.factors.count",
    "B.factors.first58",
    "B.loss.penalty_ratio",
    "B.loss.gamma_large",
    "B.speed.memory",
)


# ------------------------------------------------------------------------------------------------ tables


def markets_in(frame: pd.DataFrame) -> list[str]:
    """The made-up markets and the file, in that order."""
    return [name for name in sources_of(frame) if name != ARITHMETIC]


def rank_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market, value and masked cells down; how often a double argsort gives the average rank across."""
    return _by_case(frame, "rank", ("agree", "days", "largest"), ("market", "value", "masked cells"))


def rolling_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market and mask down; the convolution beside the windows without masked cells across."""
    return _by_case(frame, "rolling", ("error", "partial", "short"), ("market", "mask"))


def limits_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market and heuristic down; limit closes found, missed and invented across."""
    return _by_case(frame, "limits", ("limit", "both", "missed", "false", "differ"), ("market", "heuristic"))


def nan_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Market and operation down; where NaN and the mask disagree across."""
    return _by_case(frame, "NaN", ("more", "fewer", "masked", "differ"), ("market", "operation"))


def transformer_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Reading of the text down; parameters of the Transformer by width across, and the widths that give the claim."""
    part = frame[frame["metric"].str.startswith("width ") | frame["metric"].isin(["widths that give it", FIRST_WIDTH])]
    wide = part.pivot(index="variant", columns="metric", values="value")[list(part["metric"].unique())]
    wide = wide.loc[list(part["variant"].unique())]
    wide.index = [name.removeprefix(f"{ARITHMETIC} ") for name in wide.index]
    return wide.rename_axis("reading", axis="index").rename_axis(None, axis="columns")


def factor_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Families down: factors in the registry and in the papers' Table 1."""
    ours = _values(frame, "factors")
    printed = dict(zip(ours, map(int, _claims()["B.factors.count"].check.split("+")), strict=False))
    return pd.DataFrame({"registry": ours, "paper": printed}).rename_axis("family").astype("Int64")


def loss_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Gamma down: gradient at a wrong sign over that at a right one, and how far the loss is from the mean square."""
    return _arithmetic(frame, "gamma", ["penalty ratio", "distance from MSE"])


def memory_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Bits of a value down: size of all factors of the papers' panel, in 10^9 bytes and in 2^30 bytes."""
    return _arithmetic(frame, "", ["GB", "GiB"], " bits")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Claim, the papers' number, and ours."""
    claims, answers = _claims(), answer_claims(frame)
    return pd.DataFrame({
        "claim": [answer.claim_id for answer in answers],
        "paper": [claims[answer.claim_id].claimed for answer in answers],
        "ours": [answer.estimate for answer in answers],
    })  # fmt: skip


def _by_case(frame: pd.DataFrame, kind: str, metrics: Sequence[str], index: Sequence[str]) -> pd.DataFrame:
    """Cases of one kind: "market kind: part: part" down, metrics across."""
    numbers, rows = OverSeeds(frame), {}
    for source in markets_in(frame):
        head = f"{source} {kind}: "
        for variant in numbers.variants:
            if variant.startswith(head):
                rows[(source, *variant.removeprefix(head).split(": "))] = variant
    return interval_table(numbers, rows, metrics, index)  # type: ignore[arg-type]


def _arithmetic(frame: pd.DataFrame, head: str, metrics: list[str], tail: str = "") -> pd.DataFrame:
    names = frame["variant"].astype(str)
    named = names.str.startswith(f"{ARITHMETIC} {head}") & names.str.endswith(tail)
    part = frame[named & frame["metric"].isin(metrics)]
    wide = part.pivot_table(index="variant", columns="metric", values="value", sort=False)[metrics]
    wide.index = [name.removeprefix(f"{ARITHMETIC} ") for name in wide.index]
    return wide.rename_axis("").rename_axis(None, axis="columns")


def _values(frame: pd.DataFrame, what: str = "") -> dict[str, float]:
    part = frame[frame["variant"] == f"{ARITHMETIC} {what}".strip()]
    return dict(zip(part["metric"], part["value"], strict=True))


def _claims() -> dict[str, Claim]:
    return {claim.id: claim for claim in load_ledger()}


# ----------------------------------------------------------------------------------------------- sentences


def transformer_message(frame: pd.DataFrame) -> str:
    """At which width the claimed number of parameters holds, if at any."""
    table = transformer_table(frame)
    at, found = table[f"width {PACKAGE_WIDTH}"], table[FIRST_WIDTH].dropna()
    claimed = _claims()["B.params.transformer"].claimed
    start = (
        f"The authors' package has a width of {PACKAGE_WIDTH}, which gives {at.min():,.0f} to {at.max():,.0f} "
        f"parameters and not {claimed:,.0f}"
    )
    if found.empty:
        return f"{start}; no width that the four heads divide gives that number"
    widths = ", ".join(f"{width:.0f}" for width in sorted(set(found)))
    most = int(table["widths that give it"].max())
    return f"{start}; of the widths that the heads divide, {most} gives it to the two digits printed: {widths}"


def limits_message(frame: pd.DataFrame, source: str) -> str:
    """What a return heuristic makes of the limit closes of one market."""
    numbers = OverSeeds(frame)

    def found(heuristic: str, metric: str) -> float:
        return numbers.find(f"{source} limits: {heuristic}", metric).value

    texts = [
        f"{name}: {found(name, 'missed'):,.0f} missed and {found(name, 'false'):,.0f} invented"
        for name in ("by board", "one threshold")
    ]
    return f"{source}, of {found('by board', 'limit'):,.0f} closes at a limit price: {'; '.join(texts)}"


def nan_message(frame: pd.DataFrame, source: str) -> str:
    """For how many operations NaN does what a mask does, and where it fails most."""
    table = nan_table(frame).loc[source]
    same = table["more"].eq(0) & table["fewer"].eq(0)
    worst = str(table["more"].idxmax())
    most = float(table["more"].max())
    start = f"{source}: NaN leaves the same cells valid as the mask in {same.sum()} of {len(table)} operations"
    if same.all():
        return start
    return f"{start}; {worst} gives a number in {most:.1%} of the cells where the mask has none"


# -------------------------------------------------------------------------------------------------- claims


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """The papers' arithmetic, by recomputation. Ranks and rolling sums on the file where there is one."""
    values = _values(frame)
    found = [*_ranks(frame), *_rolling(frame)]
    if values:
        found += [
            _answer("B.params.mlp", values["parameters of the MLP"], "213-128-128-1, every layer with a bias"),
            _answer("B.params.transformer", _package_width(frame), transformer_message(frame)),
            _answer("B.factors.count", _values(frame, "factors")["all"], "factors in the registry"),
            _first58(frame),
            *_loss(frame),
            _memory(frame),
        ]
    return found


def _answer(claim_id: str, value: float, note: str) -> Answer:
    return Answer(claim_id, value, value, value, "same", note, PAGE)


def _package_width(frame: pd.DataFrame) -> float:
    return _values(frame, PLAIN_READING)[f"width {PACKAGE_WIDTH}"]


def _first58(frame: pd.DataFrame) -> Answer:
    """Share of the improvement from 9 to 213 factors that the first families make, from the papers' own table."""
    claims, counts = _claims(), _values(frame, "factors")
    steps = ("alpha101", "plus_better_best", "all")
    nine, first, whole = (claims[f"B.factors.{name}.sharpe"].claimed for name in steps)
    assert nine is not None and first is not None and whole is not None
    count = counts["alpha"] + counts["better"] + counts["best"]
    note = (
        f"the papers' table: ({first} - {nine}) / ({whole} - {nine}) for the first {count:.0f} factors beyond the "
        f"first {counts['alpha']:.0f}; counted from a Sharpe ratio of zero it would be {100 * first / whole:.0f} %"
    )
    return _answer("B.factors.first58", 100 * (first - nine) / (whole - nine), note)


def _loss(frame: pd.DataFrame) -> list[Answer]:
    table = loss_table(frame)
    ratio, distance = float(table["penalty ratio"]["gamma 0.1"]), table["distance from MSE"]
    largest = str(distance.index[-1])
    tends = float(distance.is_monotonic_decreasing and distance.iloc[-1] <= 1.01 / float(largest.split()[1]))
    note = f"gradient of the loss over gamma, and of the mean square: {distance.iloc[-1]:.0e} apart at {largest}"
    return [
        _answer("B.loss.penalty_ratio", ratio, "gradients of two errors of equal size, by differentiation"),
        _answer("B.loss.gamma_large", tends, note),
    ]


def _memory(frame: pd.DataFrame) -> Answer:
    half, single = _values(frame, "16 bits"), _values(frame, "32 bits")
    note = (
        f"values of 16 bits: {half['GiB']:.2f} GiB (2^30 bytes), which is {half['GB']:.2f} GB; in float32, which the "
        f"operators compute in, {single['GiB']:.2f} GiB"
    )
    return _answer("B.speed.memory", half["GiB"], note)


def _ranks(frame: pd.DataFrame) -> list[Answer]:
    numbers, sources = OverSeeds(frame), markets_in(frame)
    if not sources:
        return []
    head = f"{sources[-1]} rank: return"
    plain, last, zeros = (
        numbers.find(f"{head}: {case}", "agree").value for case in ("no mask", "masked cells last", "masked cells as 0")
    )
    note = (
        f"{sources[-1]}, the day's returns: equal to the average rank in {plain:.1%} of the cells, because ties get "
        f"different ranks; with masked cells ranked last in {last:.1%}, with zeros in them in {zeros:.1%}"
    )
    return [_answer("A.rank.double_argsort", float(min(plain, last, zeros) == 1), note)]


def _rolling(frame: pd.DataFrame) -> list[Answer]:
    numbers, sources = OverSeeds(frame), markets_in(frame)
    if not sources:
        return []
    error, partial, short = (
        numbers.find(f"{sources[-1]} rolling: masked", metric).value for metric in ("error", "partial", "short")
    )
    ahead = _values(frame, "convolution").get("days ahead, last rows", math.nan)
    note = (
        f"{sources[-1]}: the first rows of the output are the rolling sum where no cell is masked (largest relative "
        f"error {error:.0e}); in {partial:.1%} of the cells a window is not whole, and it gives a number all the same; "
        f"as printed the output has more rows than days, and the last ones read {ahead:.0f} days ahead"
    )
    return [_answer("A.conv.rolling", float(error <= EXACT and partial <= short), note)]
