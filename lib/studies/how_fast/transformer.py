"""The factor-axis Transformer in its exact fast form against the plain torch form: training, inference, difference.

    python -m lib.studies.how_fast.transformer [--factors 213] [--rows 256] [--repeats 5]

Both forms read the same weights and alternate in one process on one thread; a ratio is CPU time of the plain form over
that of the fast one. The goals are 2.5 for a training step (forward and backward) and 3 for inference. Weights and
inputs are random: what is computed does not depend on what was learned.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import torch

from lib.models.factor_transformer import FactorTransformer
from lib.models.training import initialised
from lib.stats.estimates import Estimate
from lib.studies.how_fast.bench.timing import Call, Sample, alternate, ratios, spread

FACTORS = 213
#: samples of a call, far fewer than the papers' batch of 8,192; below 64 the plain form's tokens stay in the cache too,
#: and its time per sample is lower
ROWS = 256
#: what is expected of the ratios
GOALS = {"training": 2.5, "inference": 3.0}


Form = Callable[[torch.Tensor], torch.Tensor]


class Compared(NamedTuple):
    """Plain over fast in CPU time, milliseconds per sample of both, and how far apart the two are.

    outputs: largest absolute difference. gradients: norm of the difference over the norm, of all weights together.
    """

    ratio: dict[str, Estimate]
    fast_ms: dict[str, float]
    plain_ms: dict[str, float]
    outputs: float
    gradients: float


def compare(factors: int = FACTORS, rows: int = ROWS, repeats: int = 5, seed: int = 0, least: float = 0.02) -> Compared:
    """Measure both forms on `rows` random samples; see `Compared`."""
    network = initialised(FactorTransformer, factors, seed)
    assert isinstance(network, FactorTransformer)
    x = torch.randn(rows, factors, generator=torch.Generator().manual_seed(seed))
    calls = {"training": _training(network, x), "inference": _inference(network, x)}
    samples = {work: alternate(both, repeats, least=least) for work, both in calls.items()}
    outputs, gradients = _differences(network, x)
    return Compared(
        ratio={work: spread(ratios(taken["fast"], taken["plain"])) for work, taken in samples.items()},
        fast_ms={work: _per_sample(taken["fast"], rows) for work, taken in samples.items()},
        plain_ms={work: _per_sample(taken["plain"], rows) for work, taken in samples.items()},
        outputs=outputs,
        gradients=gradients,
    )


def _training(network: FactorTransformer, x: torch.Tensor) -> dict[str, Call]:
    def step(form: Form) -> Call:
        def call() -> None:
            network.train()
            network.zero_grad()
            form(x).square().mean().backward()

        return call

    return {"fast": step(network.forward), "plain": step(network.reference)}


def _inference(network: FactorTransformer, x: torch.Tensor) -> dict[str, Call]:
    def predicted(form: Form) -> Call:
        def call() -> None:
            network.eval()
            with torch.no_grad():
                form(x)

        return call

    return {"fast": predicted(network.forward), "plain": predicted(network.reference)}


def _differences(network: FactorTransformer, x: torch.Tensor) -> tuple[float, float]:
    fast, plain = network(x), network.reference(x)
    gradients = []
    for prediction in (fast, plain):
        network.zero_grad()
        prediction.square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
    gap = (gradients[0] - gradients[1]).norm() / gradients[1].norm()
    return float((fast - plain).abs().max().detach()), float(gap)


def _per_sample(taken: list[Sample], rows: int) -> float:
    return sorted(item.cpu for item in taken)[len(taken) // 2] / rows * 1e3


def report(found: Compared) -> str:
    """A few lines to read."""
    lines = [
        f"{work}: fast form {found.fast_ms[work]:.3f} ms of CPU a sample, plain form {found.plain_ms[work]:.3f}, "
        f"ratio {ratio.value:.2f} (95 % of repeats {ratio.low:.2f} to {ratio.high:.2f}; goal {GOALS[work]})"
        for work, ratio in found.ratio.items()
    ]
    return "\n".join([*lines, f"largest difference of outputs {found.outputs:.1e}, of gradients {found.gradients:.1e}"])


def main() -> None:
    parser = argparse.ArgumentParser(description="The factor-axis Transformer, fast form against plain form.")
    for name, default in (("factors", FACTORS), ("rows", ROWS), ("repeats", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    from lib.studies.how_fast.bench.workloads import one_thread

    with one_thread():
        print(report(compare(asked.factors, asked.rows, asked.repeats)))


if __name__ == "__main__":
    main()
