"""What the study of float32 averages says: who drifts, who breaks, what a masked day does, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lib.stats.estimates import Estimate, signed
from lib.stats.over_seeds import OneMarket

#: forms whose rounding fades, and forms whose weights grow
FADING = ("recursion", "correction", "two sums", "parallel scan", "chunks of 64")
GROWING = ("growing weights", "growing weights, adjusted")


@dataclass(frozen=True)
class Smoothing(OneMarket):
    """The numbers of the study `ewma_float32` for one market."""

    @property
    def spans(self) -> list[int]:
        names = (variant.split() for variant in self.numbers.variants if variant.startswith(f"{self.source} factor"))
        return [int(words[-1]) for words in names]

    @property
    def steps(self) -> list[int]:
        metrics = dict.fromkeys(metric for _, metric in self.numbers if metric.startswith("error at "))
        return [int(metric.split()[-1]) for metric in metrics]

    def worst(self, span: int, method: str, metric: str = "error") -> float:
        """The largest value over seeds; NaN where a form gave no number in any of them."""
        found = self.numbers.seeds(f"{self.source} span {span} {method}", metric)
        return float(found.max()) if len(found) else np.nan

    def breaks(self, span: int, method: str) -> float:
        """The first day on which an average is off by more than 1 %, or no number; NaN if there is none."""
        found = self.numbers.seeds(f"{self.source} span {span} {method}", "breaks at")
        return float(found.min()) if len(found) else np.nan

    def rule(self, span: int, name: str, metric: str = "median") -> float:
        """Relative distance of a rule for masked days from ours."""
        return self.numbers.find(f"{self.source} span {span} rule {name}", metric).value

    @property
    def rules(self) -> list[str]:
        found = (variant.partition(" rule ")[2] for variant in self.numbers.variants if " rule " in variant)
        return list(dict.fromkeys(found))

    def factor(self, span: int, metric: str) -> Estimate:
        return self.numbers.find(f"{self.source} factor span {span}", metric)

    @property
    def noise(self) -> list[float]:
        metrics = (m.removeprefix("loss error ") for _, m in self.numbers if m.startswith("loss error "))
        return [float(text) for text in dict.fromkeys(metrics)]

    def message(self) -> str:
        """The largest errors of the two kinds of form."""
        fading, growing = (
            np.nanmax([self.worst(span, f"{method}, float32") for span in self.spans for method in methods])
            for methods in (FADING, GROWING)
        )
        return (
            f"After {self.steps[-1]:,} days a float32 recursion is off by {_percent(fading)} at most; "
            f"a closed form with growing weights by {_percent(growing)}, or it has overflowed"
        )

    def breaks_message(self) -> str:
        """When growing weights run out of numbers."""
        parts = []
        for precision in ("float32", "float64"):
            days = {span: self.breaks(span, f"growing weights, {precision}") for span in self.spans}
            known = [f"day {day:,.0f} (span {span})" for span, day in days.items() if np.isfinite(day)]
            parts.append(f"in {precision} on {', '.join(known)}" if known else f"in {precision} never")
        return f"Growing weights give their first wrong number {'; '.join(parts)}."

    def rules_message(self) -> str:
        """The rule for masked days that lies nearest to a given error is a matter of definition, not of rounding."""
        span = self.spans[-1]
        name = max(self.rules, key=lambda rule: self.rule(span, rule) if rule.startswith("pandas") else -1)
        single = self.worst(span, "recursion, float32")
        return (
            f"At span {span}, *{name}* treats masked and first days so that the median average moves by "
            f"{_percent(self.rule(span, name))}; float32 moves the worst one by {_percent(single)}"
        )

    def cost_message(self) -> str:
        """What float32 costs in IC, and what a relative error of 0.3 % would."""
        losses = [self.factor(span, "loss float32").value for span in self.spans]
        size = min(self.noise, key=lambda value: abs(value - 0.003))
        noisy = [self.factor(span, f"loss error {size:g}").value for span in self.spans]
        return (
            f"float32 changes the IC by at most {np.abs(losses).max():.0e}; an average that was wrong by "
            f"{100 * size:g} % in every cell would change it by {signed(max(noisy, key=abs), 4)} at most"
        )


def _percent(share: float) -> str:
    """A share in per cent with one significant digit more than its size needs.

    >>> _percent(0.00014), _percent(6.2e-6)
    ('0.014 %', '0.00062 %')
    """
    if not np.isfinite(share) or share == 0:
        return "n/a" if share else "0 %"
    digits = max(0, 1 - int(np.floor(np.log10(100 * share))))
    return f"{100 * share:.{digits}f} %"
