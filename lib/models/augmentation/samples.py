"""Samples for a fit from several sources: the days of one dataset after those of another, and validation days last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lib.errors import ParameterError
from lib.models.dataset import Dataset
from lib.models.fitted import drawn_days
from lib.models.splits import Split


def labelled(
    data: Dataset, start: int, stop: int, most: int | None = None, rng: np.random.Generator | None = None
) -> Dataset:
    """The labelled samples of the days [start, stop), whose first day becomes day 0.

    most: about so many of them, on whole days drawn without order by `rng`; None: all. At least one day is kept.
    Raises ParameterError when there is none, and for `most` without a generator.
    """
    rows = data.rows(start, stop)
    kept = np.flatnonzero(np.isfinite(data.label[rows])) + rows.start
    if not len(kept):
        raise ParameterError(f"samples: got no label on the days [{start}, {stop}); take more days or stocks")
    if most is not None:
        if rng is None:
            raise ParameterError(f"samples: got most={most} and no rng; give a numpy Generator to draw the days")
        kept = kept[np.isin(data.day[kept], drawn_days(data.day[kept], most, rng))]
    return Dataset(
        data.features[kept], data.label[kept], data.day[kept] - start, data.stock[kept], (stop - start, data.shape[1])
    )


def joined(fit: Sequence[Dataset], validation: Dataset) -> tuple[Dataset, Split]:
    """One dataset, the days of each part after those of the part before, and its split; nothing is left to predict.

    The real sample seen twice is `joined([real, real], validation)`: the same number of rows, and so of optimiser
    steps an epoch, as with a synthetic panel of its size. Raises ParameterError without a part to fit.
    """
    if not fit:
        raise ParameterError("joined: got no samples to fit; give at least one dataset")
    parts = [*fit, validation]
    ends = np.cumsum([part.shape[0] for part in parts])
    begins = ends - [part.shape[0] for part in parts]
    sample = Dataset(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.day + begin for part, begin in zip(parts, begins, strict=True)]),
        np.concatenate([part.stock for part in parts]),
        (int(ends[-1]), max(part.shape[1] for part in parts)),
    )
    held, last = int(begins[-1]), int(ends[-1])
    return sample, Split(0, held, held, last, last, last)
