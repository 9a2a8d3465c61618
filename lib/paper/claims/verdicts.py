"""The two versions of the rule that turns a claim and an answer into a verdict, and what chance alone would give.

Version 2 (`verdict`) is `RULE`, read from the top down: the first line that fits counts. Version 1 (`first_verdict`)
judged the first recordings and is kept beside it: it asked of a level that the interval of one back-test be at most as
wide as the claim, which over three years no Sharpe ratio below 2.3 can meet, so it could not decide most claims.
Both were written down before the recordings that they judge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lib.paper.claims.answer import Answer, Part
from lib.paper.claims.ledger import Claim
from lib.stats import student_quantile
from lib.stats.inference import NORMAL, Z95

REPRODUCED = "reproduced"
COMPATIBLE = "compatible"
AGREES_ELSEWHERE = "agrees, other setting"
DIRECTION_ONLY = "direction only"
NEGLIGIBLE = "negligible"
NOT_REPRODUCED = "not reproduced"
CONTRADICTED = "contradicted"
NOT_CARRIED = "does not carry over"
INCONCLUSIVE = "inconclusive"
ARITHMETIC = "arithmetic"
CANNOT_BE_TESTED = "cannot be tested"
NEEDS_DATA = "needs data we don't have"
NOT_STUDIED = "not yet studied"
VERDICTS = (
    REPRODUCED,
    COMPATIBLE,
    AGREES_ELSEWHERE,
    DIRECTION_ONLY,
    NEGLIGIBLE,
    NOT_REPRODUCED,
    CONTRADICTED,
    NOT_CARRIED,
    INCONCLUSIVE,
    ARITHMETIC,
    CANNOT_BE_TESTED,
    NEEDS_DATA,
    NOT_STUDIED,
)
#: what an interval decides, in the paper's own setting
SAMPLED = (REPRODUCED, COMPATIBLE, DIRECTION_ONLY, NEGLIGIBLE, NOT_REPRODUCED, CONTRADICTED, INCONCLUSIVE)
#: what version 1 can say
FIRST_VERDICTS = (
    REPRODUCED,
    DIRECTION_ONLY,
    NOT_REPRODUCED,
    CONTRADICTED,
    INCONCLUSIVE,
    ARITHMETIC,
    NEEDS_DATA,
    NOT_STUDIED,
)

#: what counts as zero where a paper claims exactly zero, in the claim's unit
ZERO_MARGIN: Mapping[str, float] = {"A.portfolio.market_neutral": 0.05}
#: claims that state a bound and no value, and on which side of it the number shall lie
INEQUALITIES: Mapping[str, str] = {"A.portfolio.max_drawdown": "below"}

#: version 2, line by line: kind of claim, condition, verdict. e is the claim minus the value without an effect: 0, or 1
#: for a ratio of times, 50 % for sign accuracy and rates of positive IC, a declared margin where the claim is zero
RULE = (
    ("any", "no study has answered it yet", NOT_STUDIED),
    ("any", "the data that would answer it cannot be had", NEEDS_DATA),
    ("any", "a choice of ours decides the number, or the paper's number is lost", CANNOT_BE_TESTED),
    ("arithmetic", "computed again: agrees to the digits printed, or does not", ARITHMETIC),
    ("any", "our number has no interval", INCONCLUSIVE),
    ("order", "every step holds at 95 %", REPRODUCED),
    ("order", "one step is reversed, at 95 % over all steps (Bonferroni, Student's t)", CONTRADICTED),
    ("order", "otherwise", INCONCLUSIVE),
    ("bound", "the one-sided 95 % bound of one back-test keeps it; over several markets", REPRODUCED),
    ("bound", "the same, from one real path", COMPATIBLE),
    ("bound", "the opposite 95 % bound of one back-test breaks it", NOT_REPRODUCED),
    ("bound", "otherwise", INCONCLUSIVE),
    ("level, counted in full", "ours and the paper's agree to the digits printed", REPRODUCED),
    ("level, counted in full", "otherwise", NOT_REPRODUCED),
    ("level", "the 95 % interval of one back-test of the paper's length has a half-width above |e|", INCONCLUSIVE),
    ("level", "the claim lies outside that interval", NOT_REPRODUCED),
    ("level", "inside, and the 95 % interval of our mean over markets lies within |e|/4 of the claim", REPRODUCED),
    ("level", "inside (one real path: no more can be said)", COMPATIBLE),
    ("difference, ratio", "the 95 % interval of the mean lies within |e|/4 of no effect", NEGLIGIBLE),
    ("difference, ratio", "it excludes no effect, contains the claim, half-width at most |e|/2", REPRODUCED),
    ("difference, ratio", "it lies on the claimed side of no effect", DIRECTION_ONLY),
    ("difference, ratio", "it lies on the other side", CONTRADICTED),
    ("difference, ratio", "otherwise", INCONCLUSIVE),
    ("outside the paper's setting", f"{REPRODUCED} or {COMPATIBLE} is called", AGREES_ELSEWHERE),
    ("outside the paper's setting", f"{NOT_REPRODUCED}, {CONTRADICTED} or {NEGLIGIBLE} is called", NOT_CARRIED),
)

_ELSEWHERE = {
    REPRODUCED: AGREES_ELSEWHERE,
    COMPATIBLE: AGREES_ELSEWHERE,
    NOT_REPRODUCED: NOT_CARRIED,
    CONTRADICTED: NOT_CARRIED,
    NEGLIGIBLE: NOT_CARRIED,
}
_FIRST_ELSEWHERE = {REPRODUCED: DIRECTION_ONLY, CONTRADICTED: NOT_REPRODUCED}


def verdict(claim: Claim, answer: Answer | None) -> str:
    """The verdict by version 2 of the rule, as the reader sees it: see `RULE`."""
    found = evidence(claim, answer)
    return _ELSEWHERE.get(found, found) if answer is not None and answer.setting != "same" else found


def evidence(claim: Claim, answer: Answer | None) -> str:
    """The verdict by version 2 before the setting is looked at."""
    if answer is None:
        return NOT_STUDIED
    if answer.unavailable:
        return NEEDS_DATA
    if answer.choice or claim.claimed is None:
        return CANNOT_BE_TESTED
    if is_arithmetic(claim):
        return ARITHMETIC
    if answer.low is None and not answer.parts and not answer.one_sided:
        return INCONCLUSIVE
    if claim.kind == "order":
        return _order(answer)
    if claim.id in INEQUALITIES:
        return _inequality(claim, answer)
    return _level(claim, answer) if claim.kind == "level" else _difference(claim, answer)


def effect(claim: Claim) -> float:
    """e: the claimed effect, the claim minus the value without one; a declared margin where that is zero."""
    assert claim.claimed is not None
    return claim.claimed - claim.no_effect or ZERO_MARGIN.get(claim.id, 0.0)


def is_arithmetic(claim: Claim) -> bool:
    """True for claims that a recomputation settles: no sampling, hence no interval rule."""
    return claim.kind == "identity" or claim.setting == "arithmetic"


def agrees(claim: Claim, answer: Answer | None) -> bool | None:
    """For an arithmetic claim: does the recomputation give the claimed number, to its printed rounding?

    True when the claim is within `claim.rounding` of the answer's interval; None for other claims.
    """
    if answer is None or answer.unavailable or claim.claimed is None or not is_arithmetic(claim):
        return None
    _, low, high = _interval(answer)
    slack = claim.rounding * (1 + 1e-9)
    return low - slack <= claim.claimed <= high + slack


# ------------------------------------------------------------------------------------------ version 2


def _order(answer: Answer) -> str:
    parts = answer.parts or [_interval(answer)]
    if all(low > 0 for _, low, _ in parts):
        return REPRODUCED
    wider = _widening(len(parts), answer.markets)
    return CONTRADICTED if any(middle + (high - middle) * wider < 0 for middle, _, high in parts) else INCONCLUSIVE


def _widening(steps: int, markets: int) -> float:
    """How many times wider an interval becomes at 95 % over all steps; Student's t over markets, normal over days."""
    single, all_steps = 0.975, 1 - 0.025 / steps
    if markets > 1:
        return student_quantile(all_steps, markets - 1) / student_quantile(single, markets - 1)
    return NORMAL.inv_cdf(all_steps) / NORMAL.inv_cdf(single)


def _inequality(claim: Claim, answer: Answer) -> str:
    assert claim.claimed is not None
    lower, upper = answer.one_sided or _interval(answer)[1:]
    if INEQUALITIES[claim.id] == "above":
        lower, upper, bound = -upper, -lower, -claim.claimed
    else:
        bound = claim.claimed
    if upper < bound:
        return COMPATIBLE if answer.mean_low is None else REPRODUCED
    return NOT_REPRODUCED if lower > bound else INCONCLUSIVE


def _level(claim: Claim, answer: Answer) -> str:
    assert claim.claimed is not None
    _, low, high = _path(claim, answer)
    inside = low <= claim.claimed <= high
    if answer.census:
        return REPRODUCED if inside else NOT_REPRODUCED
    size = abs(effect(claim))
    if (high - low) / 2 > size:
        return INCONCLUSIVE
    if not inside:
        return NOT_REPRODUCED
    if answer.mean_low is None or answer.mean_high is None:
        return COMPATIBLE
    near = max(abs(answer.mean_low - claim.claimed), abs(answer.mean_high - claim.claimed)) <= size / 4
    return REPRODUCED if near else COMPATIBLE


def _difference(claim: Claim, answer: Answer) -> str:
    assert claim.claimed is not None
    _, low, high = _path(claim, answer)
    if answer.mean_low is not None and answer.mean_high is not None:
        low, high = answer.mean_low, answer.mean_high
    size, towards = abs(effect(claim)), math.copysign(1.0, effect(claim))
    near, far = sorted((towards * (low - claim.no_effect), towards * (high - claim.no_effect)))
    if -size / 4 <= near and far <= size / 4:
        return NEGLIGIBLE
    if near > 0 and low <= claim.claimed <= high and (high - low) / 2 <= size / 2:
        return REPRODUCED
    if near > 0:
        return DIRECTION_ONLY
    return CONTRADICTED if far < 0 else INCONCLUSIVE


def _path(claim: Claim, answer: Answer) -> Part:
    """The interval of one back-test; of a full count the number itself, to the digits that the paper prints."""
    middle, low, high = _interval(answer)
    slack = claim.rounding * (1 + 1e-9) if answer.census else 0.0
    return middle, low - slack, high + slack


def _interval(answer: Answer) -> Part:
    assert answer.estimate is not None
    low = answer.estimate if answer.low is None else answer.low
    high = answer.estimate if answer.high is None else answer.high
    return answer.estimate, low, high


# ------------------------------------------------------------------------------------------ version 1


def first_verdict(claim: Claim, answer: Answer | None) -> str:
    """The verdict by version 1 of the rule. With c the claim and [l, h] the answer's interval:

    - no answer: `not yet studied`; the answer names data that are lacking, or the paper's number is lost:
      `needs data we don't have`;
    - an identity, or a claim about arithmetic: `arithmetic` (see `agrees` for the outcome);
    - an order: with every part's interval above 0, the order holds at 95 %. `contradicted` needs a part
      below 0 with its interval widened for the number of parts. Otherwise `inconclusive`;
    - level, difference, ratio (for a census, where l = h, with [l, h] widened by the rounding of c as it is
      printed): c outside [l, h] is `not reproduced`, except that a difference or ratio
      whose interval lies on the claimed side of "no effect" is `direction only`, and an interval wholly
      on the other side of it is `contradicted`;
      c inside [l, h] is `reproduced` only when the half-width is at most half the claimed effect (and, for a
      difference or ratio, the interval excludes "no effect"); a wider interval is `inconclusive`, because
      weak evidence never confirms, and an estimate without an interval is no evidence at all;
    - only the paper's own setting (`same`) may be reproduced or contradicted: elsewhere the first becomes
      `direction only` and the second `not reproduced`.
    """
    if answer is None:
        return NOT_STUDIED
    if answer.unavailable or claim.claimed is None:
        return NEEDS_DATA
    if is_arithmetic(claim):
        return ARITHMETIC
    if answer.low is None and not answer.parts:
        return INCONCLUSIVE
    found = _first_order(answer) if claim.kind == "order" else _first_interval(claim, answer)
    return found if answer.setting == "same" else _FIRST_ELSEWHERE.get(found, found)


def _first_order(answer: Answer) -> str:
    parts: Sequence[Part] = answer.parts or [_interval(answer)]
    if all(low > 0 for _, low, _ in parts):
        return REPRODUCED
    widening = NORMAL.inv_cdf(1 - 0.025 / len(parts)) / Z95
    if any(high < 0 and middle + (high - middle) * widening < 0 for middle, _, high in parts):
        return CONTRADICTED
    return INCONCLUSIVE


def _first_interval(claim: Claim, answer: Answer) -> str:
    assert claim.claimed is not None
    _, low, high = _interval(answer)
    change = claim.claimed - claim.neutral
    towards = math.copysign(1.0, change)
    near, far = sorted((towards * (low - claim.neutral), towards * (high - claim.neutral)))
    size = abs(change) or ZERO_MARGIN.get(claim.id, 0.0)
    slack = claim.rounding if low == high else 0.0  # a census has no interval: the paper's own rounding decides
    if low - slack <= claim.claimed <= high + slack:
        narrow = (high - low) / 2 <= size / 2
        clear = claim.kind == "level" or near > 0
        return REPRODUCED if narrow and clear else INCONCLUSIVE
    if change and far < 0:
        return CONTRADICTED
    if change and claim.kind != "level" and near > 0:
        return DIRECTION_ONLY
    return NOT_REPRODUCED
