"""The page "augmentation": what synthetic panels add to a fit, judged by the truth first and by money last."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from lib.evaluation.books import Books
from lib.paper.claims import Answer
from lib.paper.claims.ledger import claimed_value
from lib.paper.pages import html, plot, table
from lib.paper.pages.answers import answered, level_answer, markets_behind
from lib.paper.pages.findings import Finding, by_sign, outcome
from lib.paper.pages.layout import opening, tabs
from lib.paper.pages.sources import window_title
from lib.stats.estimates import Estimate
from lib.stats.keys import Key
from lib.stats.over_seeds import OverSeeds, interval_table
from lib.stats.power import markets_needed
from lib.studies.augmentation.measure import CONTRASTS, KEPT, LEARNERS, PANELS, RUN, TREATMENTS

if TYPE_CHECKING:
    from IPython.display import HTML

    from lib.paper.pages.result import PageResult

QUESTION = (
    "The papers append synthetic panels to the training sample and report a higher Sharpe ratio. Is it the synthetic "
    "samples that help a network, or that it is trained for more steps, and how much of these samples can be predicted?"
)
ADVICE = (
    "Compare with the real sample seen twice before crediting synthetic data: an appended panel also doubles "
    "the optimiser steps of an epoch.",
    "Ask first how well a model fitted to real days predicts the synthetic ones. Where it predicts nothing, the panel "
    "adds noise, and a penalty or more dropout is a cheaper way to shrink a network.",
    "Estimate drift, volatility and blocks from the fit days of each split alone, and validate on real days.",
)
LEVEL = Key("{treatment} {learner}", treatment=TREATMENTS, learner=LEARNERS)
CHANGE = Key("{left} - {right} {learner}", left=TREATMENTS, right=TREATMENTS, learner=LEARNERS)
BETWEEN = Key("{left} - {right} transformer - mlp_small", left=TREATMENTS, right=TREATMENTS)
#: of one panel, for the larger network and for the smaller
GAINS = BETWEEN.name(left="stock_blocks", right="none")
PANEL = Key("panel {panel}", panel=PANELS)
#: the same on the price file: of one training seed, of all together, and their differences
FITTED = Key("{treatment} {learner} | {place}, fit {number}", treatment=TREATMENTS, learner=LEARNERS)
FILE_LEVEL = Key("{treatment} {learner} | {place}", treatment=TREATMENTS, learner=LEARNERS)
FILE_CHANGE = Key("{left} - {right} {learner} | {place}", left=TREATMENTS, right=TREATMENTS, learner=LEARNERS)
FILE_BETWEEN = Key("{left} - {right} transformer - mlp_small | {place}", left=TREATMENTS, right=TREATMENTS)
NAMES = {"mlp": "MLP", "mlp_small": "MLP, fewer days", "transformer": "Transformer, fewer days"}
IN_TEXT = {"mlp": "the MLP", "transformer": "the Transformer"}
WORDS = {
    "none": "real sample", "twice": "real sample, seen twice",
    "iid": "+ 1 panel, independent returns",
    "student": "+ 1 panel, independent, Student-t",
    "row_blocks": "+ 1 panel, rows of 21 days",
    "stock_blocks": "+ 1 panel, 21 days a stock",
    "stock_blocks_2": "+ 2 panels, 21 days a stock",
    "stock_blocks_4": "+ 4 panels, 21 days a stock",
}  # fmt: skip
PANEL_WORDS = {"market": "the market, fit days", "iid": "independent", "student": "independent, Student-t",
               "stock_blocks": "21 days a stock", "row_blocks": "rows of 21 days"}  # fmt: skip
COUNTS = {0: "none", 1: "stock_blocks", 2: "stock_blocks_2", 4: "stock_blocks_4"}
ONE = ("iid", "row_blocks", "stock_blocks")
GROSS, NET, MATCHED = (f"{RUN}.{name}" for name in ("active_sharpe_gross", "active_sharpe", "matched.active_sharpe"))
PAPERS = "naive_close.sharpe"
#: in the order in which a treatment is judged
JUDGED = ("truth_ic", "m1_ic", GROSS, NET, f"{RUN}.turnover.left", f"{RUN}.turnover.right", MATCHED, PAPERS)
LEVELS = ("truth_ic", "m1_ic", GROSS, NET, f"{RUN}.turnover", PAPERS, "train_ic", "test_ic", "ic_gap", "samples",
          "steps")  # fmt: skip
#: what the papers say one panel adds, in Sharpe ratios
CLAIMED = {learner: claimed_value(f"B.augment.{learner}") for learner in ("mlp", "transformer")}
ONE_PATH = "one path, 95 % intervals over its days; mean of training seeds"  # small print of the price file
#: a panel whose IC is below that share of that on the days of the fit holds next to nothing of what is predictable
LITTLE = 0.2


class Augmentation:
    """The numbers of the study by learner and treatment, on simulated markets or in the window of a price file."""

    def __init__(self, frame: pd.DataFrame, place: str = "") -> None:
        self.numbers, self._mark = OverSeeds(frame), f" | {place}" if place else ""

    def name(self, treatment: str, learner: str) -> str:
        """Of the row of a level."""
        return LEVEL.name(treatment=treatment, learner=learner) + self._mark

    def level(self, treatment: str, metric: str, learner: str = "mlp") -> Estimate:
        return self.numbers.find(self.name(treatment, learner), metric)

    def change(self, left: str, right: str, metric: str, learner: str = "mlp") -> Estimate:
        return self.numbers.find(CHANGE.name(left=left, right=right, learner=learner) + self._mark, metric)

    def books(self, left: str, right: str, learner: str = "mlp") -> Books:
        name = CHANGE.name(left=left, right=right, learner=learner) + self._mark
        return Books.of(lambda metric: self.numbers.find(name, metric), RUN)

    def panel(self, name: str, metric: str) -> Estimate:
        return self.numbers.find(PANEL.name(panel=name), metric)

    @property
    def learners(self) -> list[str]:
        """Those that were run without a panel."""
        return [name for name in LEARNERS if not math.isnan(self.level("none", "m1_ic", name).value)]


def place_of(frame: pd.DataFrame) -> str:
    """The window of the price file in the rows' names, "csi300 paper B"; empty without a file."""
    found = (FITTED.parts(str(name)) for name in frame["variant"].unique())
    return next((parts["place"] for parts in found if parts), "")


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: one panel by the truth, in money, against more steps, on real prices; then the others."""
    found, place = Augmentation(frame), place_of(frame)
    real = _real(Augmentation(frame, place))  # a recording that was stopped has no differences yet
    return [
        _one_panel(found, "mlp"), _money(found), _against_twice(found), *([real] if place and real.complete else []),
        _larger(found), _one_panel(found, "transformer"), _more(found), _kinds(found), _contents(found), _gap(found),
        _limits(found), _power(found),
    ]  # fmt: skip


def _one_panel(found: Augmentation, learner: str) -> Finding:
    change = found.change("stock_blocks", "none", "truth_ic", learner)
    levels = "its truth IC is {without:.3f} without it and {beside:.3f} with it ({change:+.4f})."
    name, panel = IN_TEXT[learner], "One synthetic panel of 21-day blocks"
    return by_sign(
        change,
        f"{panel} lets {name} predict better: {levels}",
        f"{panel} lets {name} predict worse: {levels}",
        f"{panel} does not measurably change how well {name} predicts: {levels}",
        without=found.level("none", "truth_ic", learner).value,
        beside=found.level("stock_blocks", "truth_ic", learner).value, change=change,
    )  # fmt: skip


def _against_twice(found: Augmentation) -> Finding:
    change, twice = (found.change(*pair, "truth_ic") for pair in (("stock_blocks", "twice"), ("twice", "none")))
    steps = "At equal optimiser steps a synthetic panel"
    numbers = "the truth ICs differ by {change:+.4f}. Seeing the sample twice, without a panel, adds {twice:+.4f}."
    return by_sign(
        change,
        f"{steps} does more for the MLP than the real sample seen twice: {numbers}",
        f"{steps} does less for the MLP than the real sample seen twice: {numbers}",
        f"{steps} and the real sample seen twice do not measurably differ for the MLP: {numbers}",
        change=change, twice=twice,
    )  # fmt: skip


def _kinds(found: Augmentation) -> Finding:
    every = iid, rows, own = [found.change(kind, "none", "truth_ic") for kind in ONE]
    numbers = (
        "the truth IC changes by {iid:+.4f} with independent returns, by {own:+.4f} with blocks of single stocks and "
        "by {rows:+.4f} with blocks of whole rows."
    )
    return outcome({
        f"Each of the three kinds of panel helps the MLP: {numbers}": all(item.low > 0 for item in every),
        f"Each of the three kinds of panel harms the MLP: {numbers}": all(item.high < 0 for item in every),
        f"Blocks of whole rows do better than both kinds without common days: {numbers}":
            rows.low > max(iid.high, own.high),
        f"Whole rows are not shown to be best: {numbers}": not any(math.isnan(item.low) for item in every),
    }, iid=iid, own=own, rows=rows)  # fmt: skip


def _contents(found: Augmentation) -> Finding:
    train = found.panel("market", "ridge_train_ic")
    iid, own, rows = (found.panel(kind, "ridge_ic") for kind in ("iid", "stock_blocks", "row_blocks"))
    numbers = (
        "a ridge regression fitted to the real sample has an IC of {train:.3f} on its own days and of {iid:.3f} on "
        "independent returns. On blocks, which repeat its days, it has {own:.3f} (single stocks) and {rows:.3f} (whole "
        "rows)."
    )
    floor = LITTLE * train.value
    return outcome({
        f"Independent returns hold less than a fifth of what is predictable, and blocks hold more: {numbers}":
            abs(iid.value) <= floor < min(own.value, rows.value),
        f"Synthetic panels hold less than a fifth of what is predictable: {numbers}":
            max(abs(iid.value), abs(own.value), abs(rows.value)) <= floor,
        f"How much of what is predictable a panel holds depends on its kind: {numbers}": True,
    }, train=train.value, iid=iid.value, own=own.value, rows=rows.value)  # fmt: skip


def _more(found: Augmentation) -> Finding:
    one, two, four = (found.change(COUNTS[count], "none", "truth_ic") for count in (1, 2, 4))
    last = found.change("stock_blocks_4", "stock_blocks_2", "truth_ic")
    numbers = "its truth IC changes by {last:+.4f}; against none one has {one:+.4f}, two {two:+.4f}, four {four:+.4f}."
    return by_sign(
        last,
        f"The MLP still gains from the third and fourth panel: {numbers}",
        f"The third and fourth panel harm the MLP: {numbers}",
        f"The third and fourth panel change nothing measurable for the MLP: {numbers}",
        last=last, one=one, two=two, four=four,
    )  # fmt: skip


def _gap(found: Augmentation) -> Finding:
    gap, train, test = (found.change("stock_blocks", "none", name) for name in ("ic_gap", "train_ic", "test_ic"))
    numbers = "the gap changes by {gap:+.4f}, the train IC by {train:+.4f} and the test IC by {test:+.4f}."
    return outcome({
        f"A panel narrows the MLP's gap between train and test IC, and the test IC rises: {numbers}":
            gap.high < 0 < test.low,
        f"A panel narrows the MLP's gap between train and test IC by taking from the train IC alone: {numbers}":
            gap.high < 0 and not test.low > 0,
        f"A panel widens the MLP's gap between train and test IC: {numbers}": gap.low > 0,
        f"A panel does not measurably change the MLP's gap between train and test IC: {numbers}":
            gap.low <= 0 <= gap.high,
    }, gap=gap, train=train, test=test)  # fmt: skip


def _money(found: Augmentation) -> Finding:
    books = found.books("stock_blocks", "none")
    numbers = (
        "it changes by {gross:+.2f}, after costs by {net:+.2f} and at equal turnover by {matched:+.2f}. The papers "
        "report a gain of {claimed:+.2f}."
    )
    return by_sign(
        books.gross,
        f"One panel raises the MLP's Sharpe ratio over equal weight before costs: {numbers}",
        f"One panel lowers the MLP's Sharpe ratio over equal weight before costs: {numbers}",
        f"One panel does not measurably change the MLP's Sharpe ratio over equal weight before costs: {numbers}",
        gross=books.gross, net=books.net, matched=books.matched, claimed=CLAIMED["mlp"],
    )  # fmt: skip


def _limits(found: Augmentation) -> Finding:
    rates = {name: _rate(found, name) for name in PANELS}
    most = max(rates[name] for name in PANELS if name != "market")
    numbers = (
        "{market:.2%} of closes are at a limit on the market, {student:.2%} in panels of Student-t returns, {iid:.2%} "
        "of normal ones, {own:.2%} of blocks of single stocks and {rows:.2%} of whole rows."
    )
    return outcome({
        f"Synthetic panels hit limits less than half as often as the market: {numbers}": most < 0.5 * rates["market"],
        f"Some synthetic panels hit limits at least half as often as the market: {numbers}":
            most >= 0.5 * rates["market"],
    }, market=rates["market"], student=rates["student"], iid=rates["iid"], own=rates["stock_blocks"],
       rows=rates["row_blocks"])  # fmt: skip


def _rate(found: Augmentation, name: str) -> float:
    return sum(found.panel(name, f"limit-{side} closes, all").value for side in ("up", "down"))


def _larger(found: Augmentation) -> Finding:
    truth, money = (found.numbers.find(GAINS, metric) for metric in ("truth_ic", PAPERS))
    numbers = "the two gains differ by {truth:+.4f} in truth IC and by {money:+.2f} in Sharpe ratio."
    return by_sign(
        truth,
        f"A panel does more for the Transformer than for the MLP on the same days, as the papers say: {numbers}",
        f"A panel does less for the Transformer than for the MLP on the same days: {numbers}",
        f"It is not shown that a panel does more for the Transformer than for the MLP on the same days: {numbers}",
        truth=truth, money=money,
    )  # fmt: skip


def _power(found: Augmentation) -> Finding:
    gains = found.numbers.seeds(CHANGE.name(left="stock_blocks", right="none", learner="mlp"), PAPERS)
    spread, markets = float(gains.std(ddof=1)) if len(gains) > 1 else math.nan, len(gains)
    needed = markets_needed(gains, CLAIMED["mlp"])
    numbers = (
        "over markets the MLP's difference has a standard deviation of {spread:.2f}, so that the papers' gain would "
        "take {needed:.0f} markets to be found four times in five; {markets:.0f} were run."
    )
    return outcome({
        f"There are enough markets to see the papers' gain in Sharpe ratio: {numbers}": markets >= needed,
        f"There are too few markets to see the papers' gain in Sharpe ratio, so the truth IC decides: {numbers}": True,
    }, spread=spread, needed=needed, markets=float(markets))  # fmt: skip


def _real(found: Augmentation) -> Finding:
    """One panel on real prices: what it changes, on one path of days."""
    change = found.change("stock_blocks", "none", "m1_ic")
    numbers = (
        "its IC on buyable cells changes by {change:+.4f}. The Sharpe ratio of the papers' back-test changes by "
        "{mlp:+.2f} for the MLP and by {transformer:+.2f} for the Transformer."
    )
    of = "CSI 300 in paper B's window, one path of three test years,"
    return by_sign(
        change,
        f"On {of} a synthetic panel lets the MLP predict better: {numbers}",
        f"On {of} a synthetic panel lets the MLP predict worse: {numbers}",
        f"On {of} a synthetic panel is not shown to change how well the MLP predicts: {numbers}",
        change=change, mlp=found.change("stock_blocks", "none", PAPERS),
        transformer=found.change("stock_blocks", "none", PAPERS, "transformer").value,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


# ------------------------------------------------------------------------------------------- figures


def treatments(shown: PageResult) -> HTML:
    """Difference of every treatment to the real sample alone, a tab for each measure and learner."""
    from lib.paper.pages.forms import forest

    found, parts = Augmentation(shown.rows), {}
    for label, metric in (("truth IC", "truth_ic"), ("Sharpe ratio over equal weight, before costs", GROSS)):
        for learner in found.learners:
            every = {WORDS[name]: found.change(name, "none", metric, learner) for name in TREATMENTS if name != "none"}
            rows = {text: item for text, item in every.items() if not math.isnan(item.value)}
            more = sum(item.sign > 0 for item in rows.values())
            title = f"{NAMES[learner]}: {more} of {len(rows)} treatments are shown to raise the {label}"
            parts[f"{label}, {NAMES[learner]}"] = plot(forest(rows, title, f"difference in {label}", note=shown.note))
    return tabs(parts)


def counts(shown: PageResult) -> HTML:
    """The MLP's truth IC, and its IC on the days of the fit and of the test, by number of panels."""
    from lib.paper.pages.forms import Line, lines_by_group
    from lib.paper.pages.style import BLUE, GREY, VERMILLION

    found = Augmentation(shown.rows)
    known = [count for count, name in COUNTS.items() if not math.isnan(found.level(name, "truth_ic").value)]
    panels = {}
    for title, lines in (("what can be earned", (("truth IC", "truth_ic", BLUE),)),
                         ("the label", (("train", "train_ic", VERMILLION), ("test", "test_ic", BLUE)))):  # fmt: skip
        drawn = []
        for name, metric, color in lines:
            drawn.append(Line(name, known, [found.level(COUNTS[count], metric) for count in known], color))
            twice = found.level("twice", metric).value
            drawn.append(Line(f"{name}, twice", [known[0], known[-1]], [twice, twice], GREY, dashed=True))
        panels[title] = drawn
    ticks = {float(count): str(count) for count in known}
    return plot(lines_by_group(panels, _more(found).title("IC by number of panels"), "synthetic panels of 21-day "
                               "blocks, MLP", "mean daily IC", ticks=ticks, note=shown.note))  # fmt: skip


# -------------------------------------------------------------------------------------------- tables


def summary(frame: pd.DataFrame, place: str = "") -> pd.DataFrame:
    """Learners and treatments down, levels across; on simulated markets, or on the price file."""
    found = Augmentation(frame, place)
    rows = {(NAMES[learner], WORDS[name]): found.name(name, learner) for learner in LEARNERS for name in TREATMENTS}
    return interval_table(OverSeeds(frame), rows, LEVELS, ("learner", "fitted to"))


def differences(frame: pd.DataFrame) -> pd.DataFrame:
    """Learners and pairs of treatments down, paired differences across, in the order in which they are judged."""
    rows = {(NAMES[learner], f"{WORDS[a]} less {WORDS[b]}"): CHANGE.name(left=a, right=b, learner=learner)
            for learner in LEARNERS for a, b in CONTRASTS}  # fmt: skip
    return interval_table(OverSeeds(frame), rows, (*JUDGED, "ic_gap"), ("learner", "compared"))


def kept_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The market and each kind of panel down, what is measured of them across."""
    rows = {PANEL_WORDS[name]: PANEL.name(panel=name) for name in PANELS}
    return interval_table(OverSeeds(frame), rows, (*KEPT, "ridge_ic"), "panel")


def levels(shown: PageResult) -> HTML:
    """Every fit, a tab for each learner."""
    heads = {"fitted to": "fitted to", "truth_ic": "truth IC", "m1_ic": "IC, buyable cells",
             GROSS: "Sharpe ratio over equal weight, before costs", NET: "after 8 bps a side",
             f"{RUN}.turnover": "turnover a day, % of the book", "ic_gap": "train IC \N{MINUS SIGN} test IC",
             "steps": "optimiser steps"}  # fmt: skip
    return _by_learner(shown, summary(shown.rows), "levels", heads, {"truth_ic": "+.3f", "steps": ",.0f"})


def changes(shown: PageResult) -> HTML:
    """Every paired difference, a tab for each learner."""
    heads = {"compared": "compared", "truth_ic": "truth IC", "m1_ic": "IC, buyable cells",
             GROSS: "Sharpe ratio over equal weight, before costs", NET: "after 8 bps a side",
             f"{RUN}.turnover.left": "turnover a day of the first", f"{RUN}.turnover.right": "of the second",
             MATCHED: "after costs at equal turnover"}  # fmt: skip
    return _by_learner(shown, differences(shown.rows), "differences", heads, {"truth_ic": "+.4f"})


def real_prices(shown: PageResult) -> HTML:
    """Levels on the price file, a tab for each learner; a sentence where no file is given."""
    place = place_of(shown.rows)
    if not place:
        return html("<p>No price file is given to this run: set data_path.</p>")
    heads = {"fitted to": "fitted to", "m1_ic": "IC, buyable cells",
             GROSS: "Sharpe ratio over equal weight, before costs", NET: "after 8 bps a side",
             f"{RUN}.turnover": "turnover a day, % of the book", PAPERS: "Sharpe ratio, papers' back-test",
             "ic_gap": "train IC \N{MINUS SIGN} test IC"}  # fmt: skip
    return _by_learner(shown, summary(shown.rows, place), "real", heads, {"m1_ic": "+.4f"}, place)


def _by_learner(
    shown: PageResult, whole: pd.DataFrame, name: str, heads: dict[str, str], formats: dict[str, str], place: str = ""
) -> HTML:
    flat, note = whole.reset_index(), ONE_PATH if place else shown.note
    return tabs({
        NAMES[learner]: table(flat[flat["learner"] == NAMES[learner]], f"augmentation_{name}_{learner}", columns=heads,
                              formats=dict(formats), caption=note)
        for learner in Augmentation(shown.rows, place).learners
    })  # fmt: skip


def panels(shown: PageResult) -> HTML:
    """What each kind of panel keeps."""
    heads = {
        "panel": "panel", "acf of r, lag 1": "autocorrelation of returns, 1 day",
        "acf of |r|, lag 1": "of absolute returns, 1 day", "acf of |r|, lag 20": "of absolute returns, 20 days",
        "pairwise correlation": "correlation of two stocks", "excess kurtosis": "excess kurtosis",
        "limit-up closes, all": "closes at the upper limit", "limit-down closes, all": "closes at the lower limit",
        "ridge_ic": "IC of a ridge of the real sample",
    }  # fmt: skip
    formats = {**dict.fromkeys(heads, ".3f"), "excess kurtosis": ".1f",
               **dict.fromkeys(("limit-up closes, all", "limit-down closes, all"), ".2%")}  # fmt: skip
    return table(kept_table(shown.rows), "augmentation_panels", columns=heads, formats=formats, caption=shown.note)


# -------------------------------------------------------------------------------------------- claims

_SYNTHETIC = {f"B.augment.synthetic.{learner}.col{place}": (learner, name)
              for learner in CLAIMED for place, name in enumerate(COUNTS.values())}  # fmt: skip
_REAL = {claim.replace(".synthetic.", ".real."): item for claim, item in _SYNTHETIC.items()}
_GAPS = {"B.augment.overfit.raw": "none", "B.augment.overfit.aug": "stock_blocks"}
LARGER = "B.augment.bigger_models"
CLAIM_IDS = (*_SYNTHETIC, *_REAL, *(f"B.augment.{learner}" for learner in CLAIMED), *_GAPS, LARGER)


def answer_claims(frame: pd.DataFrame) -> list[Answer]:
    """Sharpe ratios as the papers make them, every order filled at the close; gaps of IC; the order of two gains.

    The heads of the papers' columns are lost: they are read as 0, 1, 2 and 4 panels.
    """
    found, place, answers = OverSeeds(frame), place_of(frame), []
    real = [(_REAL, place, window_title(place))] if place else []
    for claims, where, world in [(_SYNTHETIC, "", "simulated market"), *real]:
        for claim, (learner, name) in claims.items():
            item = answered(found, Augmentation(frame, where).name(name, learner), PAPERS, "level")
            answers += level_answer(claim, item, f"{world}, {NAMES[learner]}, {WORDS[name]}: {PAPERS}", "augmentation")
    named = {
        f"B.augment.{learner}": (CHANGE.name(left="stock_blocks", right="none", learner=learner), PAPERS,
                                 f"{NAMES[learner]}, one panel less none") for learner in CLAIMED
    } | {claim: (LEVEL.name(treatment=name, learner="transformer"), "ic_gap", WORDS[name])
         for claim, name in _GAPS.items()}  # fmt: skip
    for claim, (variant, metric, told) in named.items():
        item = answered(found, variant, metric, "difference")
        if "low" in item:
            answers += level_answer(claim, item, f"simulated market, {told}: {metric}", "augmentation")
    order = found.find(GAINS, PAPERS)
    if not math.isnan(order.low):
        note = f"gain of the Transformer minus that of the MLP on the same days: {PAPERS}"
        markets = markets_behind(found, [(GAINS, PAPERS)])
        answers.append(Answer(LARGER, note=note, page="augmentation", markets=markets, parts=[order[:3]]))
    return answers
