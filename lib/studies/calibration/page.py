"""The page "calibration": what the simulated market is calibrated to, how near it comes, and what it misses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.paper.pages import plot, table
from lib.paper.pages.findings import Finding, first
from lib.paper.pages.layout import opening, tabs
from lib.reasons import Reason
from lib.stats.estimates import MINUS, Estimate
from lib.stats.over_seeds import OverSeeds
from lib.studies.calibration.measure import CSI, PAPER, REAL, TARGETS, Band, Target
from lib.studies.calibration.measures import ACF_LAGS, PROFILE, SPELLS

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.figure import Figure

    from lib.market import Market
    from lib.paper.pages.forms import Line
    from lib.paper.pages.result import PageResult

QUESTION = (
    "Is the simulated market like a real one where masks matter: how often limits bind, what follows a limit close, "
    "how long halts last, how volatility clusters?"
)
ADVICE = (
    "Use the simulated market for questions that need a known truth: the expected return, what the limit cut off, the "
    "same market without limits.",
    'Set `limit_rates="paper"` to compare with paper B: its limits bind more often than those of CSI 300 stocks.',
    "Do not take an IC or a Sharpe ratio on it as a forecast for real prices: the planted alpha is a choice.",
)
#: variant -> its name on a page; the settings of the market: name -> variant
NAMES = {CSI: "CSI 300", REAL: "simulated", PAPER: "simulated,\npaper's limits"}
SETTINGS = {"real": REAL, "paper": PAPER}
BEFORE, AFTER, LONGEST = 3, 5, 3
#: setting -> what is simulated, and the targets it is held to, in words
HELD = {
    "real": ("The simulated market", "targets measured on CSI 300 prices"),
    "paper": ("Set to the limit rates that paper B reports, the simulated market", "targets of that setting"),
}


@dataclass(frozen=True)
class Calibration:
    """The numbers of the study: metric by variant and seed."""

    numbers: OverSeeds

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Calibration:
        return cls(OverSeeds(frame))

    def find(self, variant: str, metric: str) -> Estimate:
        """Mean over the seeds with its interval, NaN where the study has none."""
        return self.numbers.find(variant, metric)

    def mean(self, variant: str, metric: str) -> float:
        return self.find(variant, metric).value

    def spread(self, variant: str, metric: str) -> float:
        """Standard deviation over the seeds; NaN below two of them."""
        found = self.numbers.seeds(variant, metric)
        return float(found.std(ddof=1)) if len(found) > 1 else math.nan

    def rows(self) -> Iterator[dict[str, object]]:
        """The calibration table: target and band, real prices, and both settings with mean and spread."""
        for target in TARGETS:
            row: dict[str, object] = {"quantity": target.label, "unit": target.unit}
            row["CSI 300"] = self._shown(CSI, target)
            for name, variant in SETTINGS.items():
                band = _band(target, name)
                row[f"{name}: target"] = _scaled(band.target, target.unit) if band else math.nan
                row[f"{name}: band"] = _band_text(band, target.unit)
                row[f"{name}: mean"] = self._shown(variant, target)
                row[f"{name}: sd"] = _scaled(self.spread(variant, target.metric), target.unit)
                row[f"{name}: reached"] = _reached(band, self.mean(variant, target.metric))
            yield row

    def _shown(self, variant: str, target: Target) -> float:
        return _scaled(self.mean(variant, target.metric), target.unit)

    def missed(self, setting: str) -> list[str]:
        """Labels of the targets of a setting ("real" or "paper") that its mean does not reach."""
        return [
            target.label for target in TARGETS
            if _reached(_band(target, setting), self.mean(SETTINGS[setting], target.metric)) == "no"
        ]  # fmt: skip

    def reached(self, setting: str) -> tuple[int, int]:
        """(targets reached, targets there are) of a setting."""
        there = sum(_band(target, setting) is not None for target in TARGETS)
        return there - len(self.missed(setting)), there


def _band(target: Target, setting: str) -> Band | None:
    return target.real if setting == "real" else target.paper


def _scaled(value: float, unit: str) -> float:
    return 100 * value if unit == "%" else value


def _band_text(band: Band | None, unit: str) -> str:
    """A band for a reader.

    >>> from lib.studies.calibration.measure import POSITIVE, between
    >>> _band_text(between(0.025, 0.032), "%"), _band_text(POSITIVE, ""), _band_text(None, "")
    ('2.5 to 3.2', 'above 0', '')
    """
    if band is None:
        return ""
    low, high = (f"{_scaled(end, unit):.3g}".replace("-", MINUS) for end in (band.low, band.high))
    if math.isinf(band.high):
        return f"above {low}"
    return f"below {high}" if math.isinf(band.low) else f"{low} to {high}"


def _reached(band: Band | None, value: float) -> str:
    if band is None or math.isnan(value):
        return ""
    return "yes" if band.holds(value) else "no"


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per quantity: real prices; for each setting target, band, mean, spread over seeds, reached or not."""
    return pd.DataFrame(list(Calibration.of(frame).rows())).set_index("quantity")


# ------------------------------------------------------------------------------------------ findings


def findings(frame: pd.DataFrame) -> list[Finding]:
    """What the page says: how many targets are reached, where the move after a limit lies, what differs, the rest."""
    found = Calibration.of(frame)
    default, papers = (_targets(found, setting) for setting in SETTINGS)
    return [default, _gap(found), _wide(found), papers, _halts(found), _clustering(found)]


def _targets(found: Calibration, setting: str) -> Finding:
    (reached, there), (whose, which) = found.reached(setting), HELD[setting]
    return first([
        Finding(f"{whose} reaches all {{there:.0f}} {which}.", there=there, holds=reached == there),
        Finding(
            f"{whose} reaches {{reached:.0f}} of {{there:.0f}} {which}. It misses: {{missed}}.",
            reached=reached, there=there, missed="; ".join(found.missed(setting)), holds=0 < reached < there,
        ),
    ])  # fmt: skip


def _gap(found: Calibration) -> Finding:
    gap, real = found.find(REAL, "limit-up: next gap"), found.mean(CSI, "limit-up: next gap")
    later = found.find(REAL, "limit-up: five days from next open")
    return Finding(
        "In the simulated market the open after a limit-up close is higher by {gap:.2%}, on real prices (CSI 300) by "
        "{real:.2%}. The five days from that open bring {later:+.2%} in the simulated market.",
        gap=gap, real=real, later=later, holds=gap.low > 0 and real > 0 and later.value < gap.value / 2,
    )  # fmt: skip


def _halts(found: Calibration) -> Finding:
    (one, real), (long, long_real) = (
        [found.find(variant, f"halt spells: at least {days}").value for variant in (REAL, CSI)] for days in (2, 20)
    )
    return Finding(
        "Most halts are over after a day: {one:.0%} of the simulated ones (default limit rates), {one_real:.0%} of "
        "CSI 300's. A few are long: {long:.0%} last 20 days or more, of the real ones {long_real:.0%}.",
        one=1 - one, one_real=1 - real, long=long, long_real=long_real, holds=one < 0.5 and real < 0.5 and long > 0.02,
    )  # fmt: skip


def _clustering(found: Calibration) -> Finding:
    day, month = (found.find(REAL, f"acf of |r|, lag {lag}") for lag in (1, 20))
    day_real, month_real = (found.mean(CSI, f"acf of |r|, lag {lag}") for lag in (1, 20))
    return Finding(
        "Large moves follow large moves for weeks: in the simulated market the autocorrelation of absolute returns is "
        "{day:.2f} after one day and {month:.2f} after 20; on real prices it is {day_real:.2f} and {month_real:.2f}.",
        day=day, month=month, day_real=day_real, month_real=month_real,
        holds=day.value > month.value > 0 and (math.isnan(month.low) or month.low > 0),
    )  # fmt: skip


def _wide(found: Calibration) -> Finding:
    own, real = found.find(REAL, "cross-sectional sd"), found.mean(CSI, "cross-sectional sd")
    return Finding(
        "Simulated stocks differ more from each other than real ones: the standard deviation of one day's returns is "
        "{own:.2%} across simulated stocks and {real:.2%} across CSI 300 stocks.",
        own=own, real=real, holds=own.low > 1.05 * real,
    )  # fmt: skip


def head(shown: PageResult) -> HTML:
    """Question, answer, advice."""
    return opening(shown, QUESTION, findings(shown.rows), ADVICE)


def targets(shown: PageResult) -> HTML:
    """The calibration table, a tab for each setting of the market."""
    whole = summary(shown.rows).reset_index()
    whole["quantity"] = [
        name.replace("acf of |r|", "autocorrelation of |return|") + (", %" if unit == "%" else "")
        for name, unit in whole[["quantity", "unit"]].values
    ]
    titles = {"real": "default: limits as in the CSI 300", "paper": "limits as often as paper B says"}
    heads = {"band": "target band", "mean": "simulated", "sd": "sd over markets", "reached": "in band"}

    def part(setting: str) -> HTML:
        columns = {"quantity": "quantity"} | ({"CSI 300": "CSI 300"} if setting == "real" else {})
        columns |= {f"{setting}: {column}": text for column, text in heads.items()}
        formats = {"CSI 300": ".3g", f"{setting}: mean": ".3g", f"{setting}: sd": ".2g"}
        rows = whole[whole[f"{setting}: band"] != ""]
        return table(rows, f"calibration_{setting}", columns=columns, formats=formats, caption=shown.markets)

    return tabs({title: part(setting) for setting, title in titles.items()})


# ------------------------------------------------------------------------------------------- figures


def _lines(found: Calibration, prefix: str, keys: Sequence[str], x: Sequence[int], times: float = 1.0) -> list[Line]:
    """One line per variant that was measured, with intervals of the mean over simulated markets."""
    from lib.paper.pages.forms import Line
    from lib.paper.pages.style import BLUE, VERMILLION

    colors = {CSI: "#222222", REAL: VERMILLION, PAPER: BLUE}
    return [
        Line(name, list(x), [found.find(variant, prefix + key).times(times) for key in keys], colors[variant])
        for variant, name in NAMES.items() if variant in found.numbers.variants
    ]  # fmt: skip


def around_limit_up(shown: PageResult) -> HTML:
    """Mean price and volume on the days around a limit-up close."""
    from lib.paper.pages.forms import lines_by_group

    found = Calibration.of(shown.rows)
    days = [f"{k:+d}" for k in PROFILE]
    panels = {
        "price against the limit-up close, %": _lines(found, "profile: price, day ", days, PROFILE, 100.0),
        "log volume against its mean of 20 days": _lines(found, "profile: volume, day ", days, PROFILE),
    }
    title = _gap(found).title("Price and volume around a limit-up close")
    return plot(lines_by_group(panels, title, "days from the limit-up close", "", zero=True, note=shown.note))


def spell_lengths(shown: PageResult) -> HTML:
    """Share of spells that last at least so many days, for halts and limit-up closes."""
    from lib.paper.pages.forms import lines_by_group

    found = Calibration.of(shown.rows)

    def picture(state: str, title: str, days: Sequence[int]) -> HTML:
        lines = _lines(found, f"{state} spells: at least ", [str(k) for k in days], days, 100.0)
        ticks = {float(k): str(k) for k in days}
        return plot(lines_by_group({"": lines}, title, "days, at least", "share of spells, %", zero=True, ticks=ticks,
                                   note=shown.note))  # fmt: skip

    return tabs({
        "halts": picture("halt", _halts(found).title("How long halts last"), SPELLS),
        "limit-up closes in a row": picture("limit-up", "How long runs of limit-up closes last", SPELLS[:5]),
    })  # fmt: skip


def clustering(shown: PageResult) -> HTML:
    """Autocorrelation of absolute returns, mean over stocks."""
    from lib.paper.pages.forms import lines_by_group

    found = Calibration.of(shown.rows)
    lines = _lines(found, "acf of |r|, lag ", [str(lag) for lag in ACF_LAGS], ACF_LAGS)
    title = _clustering(found).title("Autocorrelation of absolute returns")
    return plot(lines_by_group({"": lines}, title, "lag, days", "autocorrelation of |r|", zero=True, note=shown.note))


def one_limit_up(market: Market, note: str) -> HTML:
    """Days around one limit-up run: the price that would clear, what the exchange prints, and what trades."""
    from lib.paper.pages.style import BLUE, GREY, VERMILLION, canvas, styled

    day, stock = _longest_run(market)
    days = np.arange(day - BEFORE, day + AFTER + 1)
    names = ("open", "high", "low", "close", "limit_up", "limit_down", "turnover")
    x, fields = days - day, {name: market.panel.fields[name][days, stock] for name in names}
    base = fields["close"][BEFORE - 1]
    clearing = fields["close"] * np.exp(market.truth.unfilled[days, stock])

    def relative(name: str) -> np.ndarray:
        return 100 * (fields[name] / base - 1)

    def draw() -> Figure:
        message = "At the limit the printed price stops; what the limit cuts off comes out at the next opens"
        figure, (top, low) = canvas(2, 5.0, message, note, sharex=True, gridspec_kw={"height_ratios": (2.3, 1)})
        top.bar(x, relative("limit_up") - relative("limit_down"), 0.8, relative("limit_down"), color=GREY, alpha=0.13)
        top.vlines(x, relative("low"), relative("high"), color=BLUE, linewidth=2.4)
        top.hlines(relative("open"), x - 0.28, x, color=BLUE, linewidth=1.6)
        top.hlines(relative("close"), x, x + 0.28, color=BLUE, linewidth=1.6)
        top.plot(x, 100 * (clearing / base - 1), color=VERMILLION, marker="o", markersize=5, linestyle=":", zorder=4)
        top.set_ylabel(f"against the close\nof day {MINUS}1, %")
        peak = int(np.argmax(clearing / fields["close"]))
        top.annotate("price that would\nclear the market", (x[peak], 100 * (clearing[peak] / base - 1)),
                     xytext=(-3, 4), textcoords="offset points", color=VERMILLION, ha="right")  # fmt: skip
        top.annotate("open, range, close", (1, 1.02), xycoords="axes fraction", color=BLUE, ha="right", va="bottom")
        top.annotate("shaded: inside the limits", (0, 1.02), xycoords="axes fraction", color=GREY, va="bottom")
        low.bar(x, fields["turnover"], color=GREY, width=0.55)
        low.set_ylabel("turnover,\n% of float")
        low.set_xlabel("days from the first limit-up close")
        return figure

    return plot(styled(draw)())


def _longest_run(market: Market) -> tuple[int, int]:
    """(day, stock) where the longest run of limit-up closes begins, nothing masked before and no halt around it."""
    up = (market.panel.reasons & Reason.LIMIT_UP) > 0
    run = np.zeros(up.shape, dtype=int)
    for t in range(len(up) - 2, -1, -1):
        run[t] = np.where(up[t], run[t + 1] + 1, 0)
    begins = np.where(np.vstack([np.zeros((1, up.shape[1]), bool), up[:-1]]), 0, run)
    disturbed = np.cumsum(~market.panel.traded, axis=0)
    early = np.cumsum(~market.panel.price_valid, axis=0)
    begins[: BEFORE + 1] = 0
    begins[len(up) - AFTER - 1 :] = 0
    rows = np.arange(len(up))
    opening_day, last = np.maximum(rows - BEFORE - 1, 0), np.minimum(rows + AFTER, len(up) - 1)
    begins[disturbed[last] > disturbed[opening_day]] = 0
    begins[1:][early[:-1] > early[opening_day[1:]]] = 0
    begins[begins > LONGEST] = 0
    day, stock = np.unravel_index(int(begins.argmax()), begins.shape)
    return int(day), int(stock)
