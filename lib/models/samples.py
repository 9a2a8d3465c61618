"""Samples as the papers make them: factors of day t neutralised for industry and size, the return from t to t + 1.

    data = neutral_samples(panel, names)                        # labels centred per day
    raw = with_labels(data, next_return(panel))                 # the papers': raw
    some = sub_sampled(data, 0, 1000, days=250, rng=rng)        # a quarter of the fit days

Paper B, s3.4: the residual of a least-squares regression on industry dummies and, where market values are known, on
their logarithm, per date; then a z-score. Blocks of days are neutralised and gathered one after the other, so a large
set of samples needs one block of memory and a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lib.errors import ParameterError
from lib.factors import FactorSet, compute_factors
from lib.factors.neutralisation import Exposures, neutralise
from lib.factors.neutralisation.exposures import CAPS
from lib.models.dataset import Dataset, both_days, build_dataset, next_return
from lib.models.splits import Split
from lib.store.files import replacing

if TYPE_CHECKING:
    from lib.panel import Panel

#: days that are neutralised and gathered together
BLOCK_DAYS = 64


def neutral_samples(
    panel: Panel,
    names: Sequence[str],
    *,
    window: str = "skip",
    join: str = "per_factor",
    folder: Path | str | None = None,
) -> Dataset:
    """The samples of a panel under its mask: predicted where the stock is a member whose price is valid, trained on
    where it is valid on the next day too, with labels centred per day.

    names: of factors. window, join: see `compute_factors` and `build_dataset`. folder: where factors and features are
    kept, memory-mapped, instead of in memory; it must not exist. Industry and market values are used where the panel
    has them.

    Raises ParameterError when no cell is valid, when no cell has a label and for a factor without a valid cell.
    """
    place = None if folder is None else Path(folder)
    if place is not None:
        place.mkdir(parents=True)
    factors = compute_factors(panel, names, window=window, out=None if place is None else place / "factors")
    valid = panel.price_valid & panel.universe
    return neutralised(
        panel, factors, next_return(panel), predicted=valid, labelled=both_days(panel.price_valid) & panel.universe,
        join=join, folder=place,
    )  # fmt: skip


def neutralised(
    panel: Panel,
    factors: FactorSet,
    label: np.ndarray,
    *,
    predicted: np.ndarray,
    labelled: np.ndarray,
    join: str = "per_factor",
    folder: Path | None = None,
) -> Dataset:
    """`build_dataset` of the neutralised factors, block by block; labels are centred per day.

    factors: raw, of the panel. label [T, N], predicted, labelled bool [T, N]: see `build_dataset`. folder: an existing
    one for the features. Raises ParameterError as `neutral_samples` does.
    """
    _check_cells(panel, factors, labelled & np.isfinite(label))
    exposures = exposures_of(panel)
    size = 0 if exposures.log_cap is None else 1

    def blocks() -> Iterator[Dataset]:
        for start in range(0, panel.shape[0], BLOCK_DAYS):
            cut = slice(start, min(start + BLOCK_DAYS, panel.shape[0]))
            own = FactorSet(factors.values[cut], factors.valid[cut], factors.names, {})
            own = neutralise(own, exposures.rows(cut.start, cut.stop), size=size)
            block = build_dataset(own, label[cut], predicted=predicted[cut], labelled=labelled[cut], join=join)
            yield replace(block, day=block.day + start)

    data = _joined(blocks(), panel.shape, folder)
    if not np.isfinite(data.label).any():
        raise ParameterError(
            f"samples: no labelled cell from {panel.dates[0]} to {panel.dates[-1]} has {join} factors: got "
            f"{len(data.label)} samples without a label; expected some, check the masks of labels and factors"
        )
    return data


def exposures_of(panel: Panel) -> Exposures:
    """Industry and log market value of a panel, each where it has the field."""
    industry = "industry" if "industry" in panel.fields else None
    return Exposures.from_panel(panel, industry=industry, cap=next((n for n in CAPS if n in panel.fields), None))


def with_labels(data: Dataset, label: np.ndarray) -> Dataset:
    """The same samples with the outcomes [T, N] as they are (raw) where they had a label.

    Raises ParameterError for another shape.
    """
    if label.shape != data.shape:
        raise ParameterError(f"label: got shape {label.shape}; expected that of the samples' panel, {data.shape}")
    return replace(data, label=np.where(np.isfinite(data.label), label[data.day, data.stock], np.nan))


def sub_sampled(data: Dataset, start: int, stop: int, *, days: int, rng: np.random.Generator) -> Dataset:
    """The samples with labels on `days` of the labelled days of [start, stop) only, drawn without replacement.

    Whole dates are drawn, because a day's labels share its market. Labels outside [start, stop), such as those of
    validation days, and what is predicted stay as they are; features are shared. Raises ParameterError for more days
    than there are.
    """
    rows = data.rows(start, stop)
    there = np.unique(data.day[rows][np.isfinite(data.label[rows])])
    if not 1 <= days <= len(there):
        raise ParameterError(f"days: got {days}; expected 1 to {len(there)}, the labelled days of [{start}, {stop})")
    drawn = np.zeros(data.shape[0], dtype=bool)
    drawn[rng.choice(there, days, replace=False)] = True
    inside = (data.day >= start) & (data.day < stop)
    return replace(data, label=np.where(inside & ~drawn[data.day], np.nan, data.label))


def check_parts(data: Dataset, split: Split, dates: np.ndarray) -> None:
    """Raises ParameterError, with the dates, when the fit or validation days of a split have no labelled sample."""
    for part, start, stop in (
        ("fit", split.fit_start, split.fit_stop), ("validation", split.validation_start, split.validation_stop),
    ):  # fmt: skip
        if not 0 <= start < stop <= len(dates):
            raise ParameterError(f"{part} days: got [{start}, {stop}) of {len(dates)} days; expected at least one")
        rows = data.rows(start, stop)
        if not np.isfinite(data.label[rows]).any():
            raise ParameterError(
                f"{part} days {dates[start]} to {dates[stop - 1]}: no labelled sample among {rows.stop - rows.start}; "
                "expected some, check the mask of the labels or take other days"
            )


def _check_cells(panel: Panel, factors: FactorSet, labelled: np.ndarray) -> None:
    span = f"from {panel.dates[0]} to {panel.dates[-1]}"
    count = np.array([np.count_nonzero(factors.valid[..., k]) for k in range(len(factors.names))])
    if not count.any():
        shown = ", ".join(factors.names[:5])
        raise ParameterError(f"samples: no cell {span} is valid for any of {len(count)} factors ({shown}); take more")
    if not count.all():
        names = [name for name, cells in zip(factors.names, count, strict=True) if not cells]
        raise ParameterError(f"samples: {', '.join(names[:5])}: no valid cell {span}; leave out such factors")
    if not labelled.any():
        raise ParameterError(f"label: all cells {span} are masked; expected a return on some day after a valid close")


def _joined(blocks: Iterator[Dataset], shape: tuple[int, int], folder: Path | None) -> Dataset:
    """Blocks of days as one dataset; features in a file of the folder, mapped, where there is one."""
    if folder is None:
        parts = list(blocks)
        features = np.concatenate([part.features for part in parts])
    else:
        parts, width = [], 0
        with replacing(folder / "features.f32") as file, file.open("wb") as stream:
            for part in blocks:
                stream.write(part.features.tobytes())
                width = part.features.shape[1]
                parts.append(replace(part, features=part.features[:0]))
        rows = sum(len(part.label) for part in parts)
        features = np.zeros((0, width), np.float32)
        if rows:  # an empty file cannot be mapped
            features = np.memmap(folder / "features.f32", np.float32, "r", shape=(rows, width))
    predicted = np.concatenate([part.predicted for part in parts if part.predicted is not None])
    label, day, stock = (np.concatenate([getattr(part, name) for part in parts]) for name in ("label", "day", "stock"))
    return Dataset(features, label, day, stock, shape, predicted)
