"""Does it matter how a network is built and trained? One thing at a time, from the papers' own settings.

The MLP of paper B is the base: depth, width, skips, normalisation, dropout, activation, and the training protocol to
which paper B found its system "not very sensitive". Two Transformers have bases of their own: heads, layers, window,
encoding of time.
"""

from __future__ import annotations

from lib.evaluation.simulated import MARKET_PARAMETERS, REFIT_EVERY, SIZE, SIZES
from lib.paper.results.study import Contrast, Page, Study
from lib.parameters import Parameter
from lib.stats.over_seeds import ENOUGH_SEEDS
from lib.studies.architectures.measure import ARMS, WORLDS, agreement, by_base, compute, contrast, grid
from lib.studies.architectures.page import findings, summary

STUDY = Study(
    name="architectures",
    title="How a network is built",
    grid=grid,
    compute=compute,
    parameters={
        **SIZE,
        **MARKET_PARAMETERS,
        "refit_every": REFIT_EVERY,
        "arms": Parameter(list, list(ARMS), choices=tuple(ARMS), help="networks and protocols; bases are added"),
        "worlds": Parameter(list, list(WORLDS), choices=tuple(WORLDS), help="linear alpha, or an interaction"),
        "slow_world": Parameter(str, "interaction", choices=tuple(WORLDS), help="the one market of the Transformers"),
        "slow_seeds": Parameter(int, ENOUGH_SEEDS, low=0, high=1000, help="markets of the Transformers"),
        "epochs": Parameter(int, 60, low=1, high=1000, help="most epochs of the networks that read a day"),
        "slow_epochs": Parameter(int, 6, low=1, high=1000, help="most epochs of the Transformers"),
        "rows": Parameter(int, 20_000, low=100, high=10_000_000, help="samples that the Transformers are fitted on"),
    },
    scales={
        "smoke": {"n_stocks": 50, "n_days": 560, "first_test_year": 2011, "refit_every": 20, "epochs": 2, "seeds": 1,
                  "arms": ["depth 1", "learning rate / 3"], "worlds": ["linear"]},
        "laptop": {**SIZES["laptop"], "n_days": 1000, "refit_every": 20, "worlds": ["linear"], "seeds": 2,
                   "arms": ["depth 1", "depth 4", "dropout 0.5", "activation relu", "learning rate / 3",
                            "learning rate x 3", "batch 2048"]},
        "paper": {"refit_every": 20, "seeds": 10},
    },
    grid_only=("arms", "worlds", "slow_world", "slow_seeds"),
    group=lambda row: f"{row['world']} {row['seed']}",
    setting="different",
    contrast=Contrast(contrast, by=by_base),
    agreement=agreement,
    page=Page(table=summary, findings=findings),
)  # fmt: skip
