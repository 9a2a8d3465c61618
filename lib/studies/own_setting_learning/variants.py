"""What is run in the papers' own setting: their system, and one thing at a time that differs from it.

The system is the papers' MLP with their loss (AdjMSE, gamma 0.1), raw labels, all 213 factors and no synthetic panel.
Two arms say what a difference is worth when nothing differs: the system trained once more with another seed, and its
real sample seen twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lib.models.baselines import BASELINES
from lib.models.learners import LEARNERS
from lib.stats.keys import Key
from lib.studies.factor_count.measure import COUNTS
from lib.studies.losses.variants import LARGE_GAMMA, PAPER_GAMMA, SMALL_GAMMA, Trained
from lib.studies.network_tuning.trials import RANGES as OF_NETWORKS


@dataclass(frozen=True)
class Arm:
    """One way to predict a market.

    baseline: of `lib.models.baselines`; "" is the MLP with `loss` and gamma. count: factors, nested families. real,
    panels: how often the real sample is fitted, and how many synthetic panels with it. again: another training seed.
    slow: run on the first few markets only.
    """

    baseline: str = ""
    loss: str = "adj_mse"
    gamma: float | None = PAPER_GAMMA
    count: int = max(COUNTS)
    real: int = 1
    panels: int = 0
    again: bool = False
    slow: bool = False

    @property
    def chosen_trial(self) -> str:
        """The variant of the study `losses` whose search found its settings; a correlation sees no level of labels."""
        labels = "centred" if self.loss in ("ic", "rank_ic") else "raw"
        return "no variant" if self.baseline else Trained(self.loss, self.gamma, labels).name


SYSTEM = "system"
#: loss -> arm, in the order of the papers' table
LOSSES = {
    "MSE": Arm(loss="mse", gamma=None),
    "AdjMSE, larger gamma": Arm(gamma=LARGE_GAMMA),
    SYSTEM: Arm(),
    "AdjMSE, smaller gamma": Arm(gamma=SMALL_GAMMA),
    "IC": Arm(loss="ic", gamma=None),
    "rank IC": Arm(loss="rank_ic", gamma=None),
}
FACTORS = {f"{count} factors" if count < max(COUNTS) else SYSTEM: Arm(count=count) for count in COUNTS}
PANELS = {SYSTEM: Arm(), "1 panel": Arm(panels=1), "2 panels": Arm(panels=2), "4 panels": Arm(panels=4)}
FLOORS = {"another seed": Arm(again=True), "twice": Arm(real=2)}
TREES, DEEP, TRANSFORMER = ("XGBoost", "LightGBM"), "residual network", "Transformer over days"
MODELS = {
    "ridge": Arm("ridge"),
    **dict(zip(TREES, (Arm("xgboost"), Arm("lightgbm")), strict=True)),
    DEEP: Arm("residual_network"),
    TRANSFORMER: Arm("time_transformer", slow=True),
    "MLP, 20,000 samples": Arm("mlp_few"),
    "Transformer over factors": Arm("transformer", slow=True),
    "Transformer over factors, 1 panel": Arm("transformer", panels=1, slow=True),
}
ARMS: dict[str, Arm] = {**LOSSES, **FACTORS, **PANELS, **FLOORS, **MODELS}
PARTS = {"losses": LOSSES, "factors": FACTORS, "augmentation": PANELS | FLOORS, "models": MODELS}
EQUAL = "equal weight"

#: (left, right) by part; steps of factors from few to many, then the whole; models in paper A's order
PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "losses": (*((name, "MSE") for name in LOSSES if name != "MSE"), ("AdjMSE, smaller gamma", SYSTEM)),
    "factors": (*((more, fewer) for fewer, more in pairwise(FACTORS)), (SYSTEM, next(iter(FACTORS)))),
    "augmentation": (
        ("another seed", SYSTEM), ("twice", SYSTEM), *((name, SYSTEM) for name in PANELS if name != SYSTEM),
        ("1 panel", "twice"), ("Transformer over factors, 1 panel", "Transformer over factors"),
    ),
    "models": (
        TREES[::-1], (DEEP, TREES[1]), (TRANSFORMER, DEEP), *((name, "ridge") for name in (*TREES, DEEP)),
        ("MSE", "ridge"), (TRANSFORMER, "MLP, 20,000 samples"), ("Transformer over factors", "MLP, 20,000 samples"),
    ),
}  # fmt: skip
EVERY_PAIR = tuple(dict.fromkeys(pair for pairs in PAIRS.values() for pair in pairs))
DIFFERENCE = Key("{left} - {right}", left=ARMS, right=(*ARMS, EQUAL))
#: whose settings are those that a search found for another learner of its kind (`lib.models.baselines`)
NEAREST = {"xgboost": "lightgbm", "residual_network": "mlp", "mlp_few": "mlp"}


def searched(name: str) -> bool:
    """Whether the settings of an arm's learner come from a search; what was not searched for answers no claim.

    >>> searched("LightGBM"), searched(SYSTEM), searched(TRANSFORMER), searched("ridge")
    (True, True, True, True)
    """
    baseline = ARMS[name].baseline or "mlp"
    return NEAREST.get(baseline, baseline) in LEARNERS or BASELINES[baseline].network in OF_NETWORKS
