"""The page "controls": what phantom alpha needs, and what an honest pipeline finds where nothing can be predicted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.evaluation.variants import VARIANTS
from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.stats.estimates import Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.controls.measure import EFFECT, LEARNERS, LEVEL, MASKS, MEASURES, NULL, SWITCHES, world_name

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "An unmasked back-test earns money that no order could have earned. Did the model find something that is hard to "
    "trade, or is it paid for moves that a limit had already cut off?"
)
ADVICE = (
    "Refuse orders at a price limit in the back-test, or leave such cells out of labels and orders.",
    "Run a pipeline on a market in which nothing can be predicted before you trust it.",
    "Do not judge a mask on a panel whose moves are clamped at the limit, such as the papers' synthetic one: what the "
    "limit cuts off is lost there, so a mask cannot show its use.",
)
#: markets of the findings: nothing to predict, and much to predict
NOTHING, MUCH = world_name("paper", True, False), world_name("paper", False, True)
#: shares of 100 null markets that a 95 % interval may cover, by chance and with a small sample; more room for twenty
EXPECTED, ROOM = (0.85, 0.99), 0.1
#: treatments in words
TREATMENTS = {
    "none": "unmasked",
    "row_deletion": "rows deleted",
    "mask_skip": "windows skip masked days",
    "halt_only": "only halts masked",
    "universe_only": "only the universe masked",
    "labels_only": "labels and universe masked, windows raw",
    "row_deletion_m1": "rows deleted, labels of the day only",
    "mask_skip_m1": "windows skip masked days, labels of the day only",
    "mask_strict": "strict windows",
    "mask_paper": "strict windows, the papers' mask",
    "flags": "limit and halt flags as features",
    "gap": "windows skip masked days, changes bridged",
}
NAMES = {"ridge": "ridge", "lightgbm": "LightGBM", "mlp": "MLP"}
#: Sharpe ratios over equal weight: every order filled, and executed at the next open before and after costs
BOOKS = {"every order filled": "naive_close.active_sharpe", "executed, gross": "executed_open.active_sharpe_gross",
         "executed, net": "executed_open.active_sharpe"}  # fmt: skip
HEADS = {metric: text for text, metric in BOOKS.items()} | {"phantom_close": "phantom alpha a year"}
#: switch -> its difference in words
DIFFERENCES = {"spill": "spill \N{MINUS SIGN} no spill", "planted": "alpha planted \N{MINUS SIGN} nothing to predict",
               "limits": "frequent \N{MINUS SIGN} rare limits"}  # fmt: skip
CAPTION = "ridge; Sharpe ratios over equal weight"
FORMATS = {**dict.fromkeys(BOOKS.values(), "+.2f"), "phantom_close": "+.1%"}


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says."""
    numbers = OverSeeds(frame)

    def of(metric: str, market: str = NOTHING, mask: str = "none") -> Estimate:
        return numbers.find(LEVEL.name(mask=mask, market=market), metric)

    spilling, clamped = of("phantom_close"), of("phantom_close", MUCH)
    naive, gross, net = (of(metric) for metric in BOOKS.values())
    apparent, real, deleted = of("apparent_ic"), of("m1_ic"), of("apparent_ic", mask="row_deletion")
    return [
        Finding(
            "What a back-test gains by filling every order (phantom alpha) comes from the part of a move that the "
            "limit cuts off, not from predictability: {spilling:+.0%} a year where nothing can be earned, "
            "{clamped:+.1%} where much can be, but the cut-off part is lost.",
            spilling=spilling, clamped=clamped,
            holds=spilling.low > 0 >= clamped.low and clamped.value < 0.1 * spilling.value,
        ),
        first([
            Finding(
                "In a market in which nothing can be earned, the unmasked back-test with every order filled reports "
                "a Sharpe ratio over equal weight of {naive:+.2f}. Executed at the next open it has {gross:+.2f} "
                "before costs and {net:+.2f} after them.",
                naive=naive, gross=gross, net=net, holds=naive.low > 0 >= gross.low,
            ),
            Finding(
                "In a market in which nothing can be earned, the unmasked back-test with every order filled reports "
                "a Sharpe ratio over equal weight of {naive:+.2f}. Executed at the next open it has {net:+.2f}, both "
                "after costs.",
                naive=naive, net=net, holds=math.isnan(gross.value) and naive.low > 0 >= net.low,
            ),
        ]),
        Finding(
            "In the same market the information coefficient (IC) of the unmasked model is {apparent:+.3f} on all cells "
            "and {real:+.4f} on the cells that can be bought: it comes from cells that cannot be bought.",
            apparent=apparent, real=real, holds=apparent.low > 0 and real.low <= 0 <= real.high,
        ),
        Finding(
            "In that market, deleting untradable rows from labels and orders takes the IC on predicted cells from "
            "{apparent:+.3f} to {deleted:+.4f}.",
            apparent=apparent.value, deleted=deleted,
            holds=apparent.low > deleted.high and abs(deleted.value) < 0.1 * apparent.value,
        ),
        *_nulls(frame),
    ]  # fmt: skip


def _nulls(frame: pd.DataFrame) -> list[Finding]:
    """How often the null markets are found to be null: by ridge, and by the learners of which there are fewer."""
    shares = {learner: _covering(frame, learner) for learner in LEARNERS}
    found = []
    if own := shares["ridge"]:
        hits, count = [hit for hit, _ in own], max(total for _, total in own)
        found.append(Finding(
            "In small markets in which nothing can be predicted, pipelines find nothing: the 95 % interval of ridge's "
            "mean IC covers zero in {least:.0f} to {most:.0f} of {count:.0f} markets, by mask.",
            least=min(hits), most=max(hits), count=count,
            holds=count >= 100 and EXPECTED[0] <= min(hits) / count and max(hits) / count <= EXPECTED[1],
        ))  # fmt: skip
    if trained := [*shares["lightgbm"], *shares["mlp"]]:
        hits, count = [hit for hit, _ in trained], max(total for _, total in trained)
        found.append(Finding(
            "With LightGBM and the MLP it covers zero in {least:.0f} to {most:.0f} of {count:.0f}.",
            least=min(hits), most=max(hits), count=count,
            holds=count >= 20 and min(hits) >= (EXPECTED[0] - ROOM) * count,
        ))  # fmt: skip
    return found


def _covering(frame: pd.DataFrame, learner: str, metric: str = "m1_ic") -> list[tuple[int, int]]:
    """(markets whose interval covers zero, markets) of every treatment that was run."""
    names = {NULL.name(mask=mask, learner=learner) for mask in VARIANTS}
    own = frame[frame["variant"].isin(names) & (frame["metric"] == f"{metric}: covers 0")]
    return [(int(part.sum()), len(part)) for _, part in own.groupby("variant", sort=False)["value"]]


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def eight_markets(shown: PageResult) -> HTML:
    """The eight markets: Sharpe ratio over equal weight with every order filled, and as executed; a tab a treatment."""
    from lib.paper.pages.forms import forest
    from lib.paper.pages.style import BLUE, GREY, VERMILLION

    numbers, said = OverSeeds(shown.rows), findings(shown.rows)[0]
    neutral = "Sharpe ratios over equal weight in eight markets"
    worlds = [(limits, spill, planted) for spill in (True, False) for planted in (False, True)
              for limits in ("real", "paper")]  # fmt: skip

    def picture(mask: str) -> HTML:
        title = said.title(f"{neutral}, unmasked") if mask == "none" else f"{neutral}, {TREATMENTS[mask]}"
        rows = {
            in_words(*world, line="\n"): [
                numbers.find(LEVEL.name(mask=mask, market=world_name(*world)), metric) for metric in BOOKS.values()
            ]
            for world in worlds
        }
        return plot(forest(rows, title, "annual Sharpe ratio over equal weight, 95 % interval", series=list(BOOKS),
                           colors=(VERMILLION, GREY, BLUE), note=f"ridge; {shown.note}"))  # fmt: skip

    return tabs({TREATMENTS[mask]: picture(mask) for mask in MASKS})


def in_words(limits: str, spill: bool, planted: bool, line: str = " ") -> str:
    """A market in words, in two parts.

    >>> in_words("paper", True, False)
    'frequent limits, spill, nothing to predict'
    """
    often = {"real": "rare limits", "paper": "frequent limits"}[limits]
    spills = "spill" if spill else "no spill"
    return f"{often}, {spills},{line}{'alpha planted' if planted else 'nothing to predict'}"


# -------------------------------------------------------------------------------------------- tables


def worlds_table(frame: pd.DataFrame, mask: str = "none") -> pd.DataFrame:
    """The eight markets down, measures across, with 95 % intervals over markets; of one treatment."""
    numbers, rows = OverSeeds(frame), []
    for limits in ("real", "paper"):
        for spill in (True, False):
            for planted in (True, False):
                name = world_name(limits, spill, planted)
                row: dict[str, Any] = {"market": name, "in words": in_words(limits, spill, planted)}
                for metric in MEASURES:
                    row |= numbers.find(LEVEL.name(mask=mask, market=name), metric).columns(metric)
                rows.append(row)
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def effects_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Switches and treatments down, measures across: on minus off with 95 % intervals over markets."""
    numbers, rows = OverSeeds(frame), []
    for switch, ((_, word), (_, other)) in SWITCHES.items():
        for mask in MASKS:
            row: dict[str, Any] = {"switch": f"{word} - {other}", "mask": mask, "in words": DIFFERENCES[switch]}
            for metric in MEASURES:
                row |= numbers.find(EFFECT.name(switch=row["switch"], mask=mask), metric).columns(metric)
            rows.append(row)
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def null_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Treatments down; per learner how many intervals of the mean IC over null markets cover zero."""
    rows = []
    for mask in VARIANTS:
        row: dict[str, Any] = {"variant": mask, "treatment": TREATMENTS.get(mask, mask)}
        for learner in LEARNERS:
            own = frame[frame["variant"] == NULL.name(mask=mask, learner=learner)]
            for metric in ("m1_ic", "apparent_ic"):
                covers = own.loc[own["metric"] == f"{metric}: covers 0", "value"]
                if len(covers):
                    row[f"{learner}, {metric}"] = f"{int(covers.sum())} of {len(covers)}"
        rows.append(row)
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The eight markets for each treatment."""
    tables = {mask: worlds_table(frame, mask).set_index("market").drop(columns="in words") for mask in MASKS}
    shown = [metric for metric in MEASURES if any(metric in table for table in tables.values())]
    return pd.concat({mask: table.reindex(columns=shown) for mask, table in tables.items()}, names=["mask"])


def markets(shown: PageResult) -> HTML:
    """The eight markets, a tab for each treatment."""
    return tabs({
        TREATMENTS[mask]: table(worlds_table(shown.rows, mask), f"controls_{mask}", formats=FORMATS,
                                columns={"in words": "market"} | HEADS, caption=f"{CAPTION}; {shown.note}")
        for mask in MASKS
    })  # fmt: skip


def effects(shown: PageResult) -> HTML:
    """What each switch does, a tab for each treatment."""
    rows = effects_table(shown.rows)
    return tabs({
        TREATMENTS[mask]: table(rows[rows["mask"] == mask], f"controls_effects_{mask}", formats=FORMATS,
                                columns={"in words": "on minus off"} | HEADS, caption=f"{CAPTION}; {shown.note}")
        for mask in MASKS
    })  # fmt: skip


def nulls(shown: PageResult) -> HTML:
    """How many intervals of the mean IC cover zero in null markets."""
    heads = {"treatment": "treatment", **{f"{learner}, m1_ic": name for learner, name in NAMES.items()}}
    return table(null_table(shown.rows), "controls_null", columns=heads,
                 caption="markets whose interval of the IC, on cells that can be bought, covers zero")  # fmt: skip
