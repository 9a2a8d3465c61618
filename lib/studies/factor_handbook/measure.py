"""The numbers of the handbook of factors: every factor of the catalogue, measured on one panel after the other.

The small simulated market is always among them. Fields that a price file lacks are never approximated: factors that
need them are recorded as lacking them, with the field named.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lib.evaluation.inputs import OVERLAY, file_panel, overlay_panel, source_name
from lib.factors import Factor, FactorSet, compute_factors
from lib.factors.leaves import available_fields
from lib.factors.registry import PUBLISHED, catalogue
from lib.panel import Panel
from lib.paper.results.study import Config, RowResult, Settings
from lib.store.rows import Record, records
from lib.studies.factor_handbook.measures import Ground, measure
from lib.studies.factor_handbook.precision import apart_from_float64
from lib.studies.factor_handbook.relatives import Sample, closest, family_correlations, rank_correlations, twins
from lib.studies.factor_handbook.units import unit_agreement, unit_records

FILES = ("data_path", "vwap_path")
#: days that a comparison of units needs before its first compared day, beside the days it compares
UNIT_DAYS, UNIT_SAMPLE = 290, 15


def grid(settings: Settings) -> Iterator[Config]:
    for seed in settings["seeds"]:
        yield {"variant": OVERLAY, "seed": seed, "file": None}
    for name in FILES:
        if settings[name]:
            yield {"variant": _short_name(settings[name]), "seed": 0, "file": name}


def _short_name(path: str) -> str:
    """The name of a file in tables; a list of members of one day is not the index."""
    return "csi300_2025" if "csi300_baostock" in Path(path).stem else source_name(path).replace(" ", "_")


def inputs(settings: Settings) -> list[str]:
    return [settings[name] for name in FILES if settings[name]]


def compute(row: Config, settings: Settings) -> RowResult:
    panel = file_panel(settings, row["file"]) if row["file"] else overlay_panel(settings, row["seed"])
    have = available_fields(panel)
    factors = [factor for factor in catalogue(PUBLISHED).values() if set(factor.fields) <= have]
    ground = Ground.of(panel, settings["n_sampled"])
    with TemporaryDirectory(prefix="factors-") as folder:
        names = [factor.name for factor in factors]
        computed = compute_factors(panel, names, out=Path(folder) / "factors")
        measured = _measured(ground, computed)
        sample = _sample(ground, computed)
        precision = _precision(panel, factors, computed)
        del computed  # the memory maps, before their folder
    correlations = rank_correlations(sample)
    measured = _with(measured, precision)
    measured = _with(measured, _relatives(factors, sample, correlations))
    measured = _with(measured, _units(panel, factors, np.random.default_rng([zlib.crc32(b"units"), row["seed"]])))
    source = row["variant"]
    records = [{"variant": f"{source} {f.name}", **record} for f in factors for record in measured[f.name]]
    records += [{"variant": source, **record} for record in _panel_records(panel, ground, factors)]
    records += _lacking(source, have)
    records += _families(source, factors, correlations)
    return RowResult(records, {"correlations": correlations.astype(np.float32), "names": np.array(names)})


def _measured(ground: Ground, computed: FactorSet) -> dict[str, list[Record]]:
    """Factor by factor: only one of them is in memory at a time."""
    return {name: list(measure(ground, *_factor(computed, k))) for k, name in enumerate(computed.names)}


def _precision(panel: Panel, factors: Sequence[Factor], computed: FactorSet) -> dict[str, list[Record]]:
    shares = apart_from_float64(panel, factors, computed)
    return {
        factor.name: [{"metric": "apart from float64", "value": share, "n": n}] if n else []
        for factor, (share, n) in zip(factors, shares, strict=True)
    }


def _factor(
    computed: FactorSet, position: int, days: np.ndarray | slice = slice(None)
) -> tuple[np.ndarray, np.ndarray]:
    """Values and validity of one factor on some days; a value too large for single precision is none."""
    values = np.asarray(computed.values[..., position][days])
    return values, np.asarray(computed.valid[..., position][days]) & np.isfinite(values)


def _sample(ground: Ground, computed: FactorSet) -> Sample:
    """The members' values on the sampled days."""
    columns, listed = ground.columns[ground.days], ground.listed[ground.days]
    shape = (len(computed.names), *columns.shape)
    values, valid = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
    for k in range(len(computed.names)):
        arrays = _factor(computed, k, ground.days)
        values[k], valid[k] = (np.take_along_axis(array, columns, axis=1) for array in arrays)
    valid &= listed
    return Sample(values, valid)


def _relatives(factors: Sequence[Factor], sample: Sample, correlations: np.ndarray) -> dict[str, list[Record]]:
    names = [factor.name for factor in factors]
    found: dict[str, list[Record]] = {name: [] for name in names}
    for i, name in enumerate(names):
        for j in closest(correlations, i):
            found[name].append({"metric": f"relative {names[j]}", "value": float(correlations[i, j])})
    for (i, j), value in twins(sample, correlations).items():
        found[names[i]].append({"metric": f"twin {names[j]}", "value": value})
        found[names[j]].append({"metric": f"twin {names[i]}", "value": value})
    return found


def _units(panel: Panel, factors: Sequence[Factor], rng: np.random.Generator) -> dict[str, list[Record]]:
    """On the last days of the panel: enough for the longest window and for the days compared."""
    last = panel.rows(max(0, panel.shape[0] - UNIT_DAYS), panel.shape[0])
    days = np.unique(np.linspace(last.shape[0] * 9 // 10, last.shape[0] - 1, UNIT_SAMPLE).astype(int))
    found = unit_agreement(last, [factor.node for factor in factors], days, rng)
    return {factor.name: records(dict(unit_records(found, k))) for k, factor in enumerate(factors)}


def _with(left: Mapping[str, list[Record]], right: Mapping[str, list[Record]]) -> dict[str, list[Record]]:
    return {name: records + right[name] for name, records in left.items()}


def _panel_records(panel: Panel, ground: Ground, factors: Sequence[Factor]) -> Iterator[Record]:
    listed = panel.universe & panel.observed
    masked = float((listed & ~panel.mask).sum() / listed.sum())
    yield {"metric": "masked", "value": masked, "n": int(listed.sum())}
    yield from records({"sessions": panel.shape[0], "stocks_per_session": float(listed.sum() / panel.shape[0])})
    yield from records({"sampled days": len(ground.days), "factors": len(factors)})


def _lacking(source: str, have: set[str]) -> list[Record]:
    return [
        {"variant": f"{source} {factor.name}", "metric": f"lacks {field}", "value": 1.0}
        for factor in catalogue(PUBLISHED).values()
        for field in factor.fields
        if field not in have
    ]


def _families(source: str, factors: Sequence[Factor], correlations: np.ndarray) -> list[Record]:
    families = [factor.family for factor in factors]
    return [
        {"variant": f"{source} family {one}", "metric": f"correlation {other}", "value": value, "n": n}
        for one, other, value, n in family_correlations(correlations, families)
    ]


def group(row: Config) -> str:
    return f"{row['variant']} {row['seed']}"
