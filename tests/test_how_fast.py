"""The speed study: its grid, a tiny run end to end, what it answers, and what is shown of it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import toy_study

import lib.studies.how_fast.bench.peers
from lib.errors import ParameterError
from lib.paper.claims import load_ledger, scoreboard
from lib.paper.pages.style import title_of, to_svg
from lib.studies import run_study, verify
from lib.studies.how_fast import STUDY, tables
from lib.studies.how_fast import report as how_fast_report
from lib.studies.how_fast.bench import timing
from lib.studies.how_fast.figures import against_size, against_window, ratios
from lib.studies.how_fast.findings import Size, Speed, times
from lib.studies.how_fast.html import measured_on, measurement, papers_tables, speed_claims
from lib.studies.how_fast.measure import KINDS, WHOLE

TINY: dict[str, Any] = {
    "primitive_sizes": ["40x20"], "windows": [5], "factor_sizes": ["60x8"], "agreement_size": "60x8", "alone": [],
    "neutral_size": "3x60", "update_size": "60x8", "least": 0.0, "repeats": 2, "masked_days": 80,
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny() -> pd.DataFrame:
    """A run without the peers of the extras, in a few seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lib.studies.how_fast.bench.peers, "installed", lambda peer: peer in ("pandas", "bottleneck", "polars"))
        return run_study("how_fast", scale="smoke", fresh=True, progress=False, **TINY).frame


def made_up(ratio: float = 8.0, *, disk: bool = False, half: float = 0.5) -> pd.DataFrame:
    """A result in which every peer needs `ratio` times our CPU time, give or take `half`."""
    records: list[tuple[str, str, float]] = [("machine", "calibration", 0.05), ("machine", "bandwidth", 2e10)]
    records += [("machine", f"{peer}: installed", float(peer != "polars")) for peer in tables.PEERS]
    for name in ("ts_mean", "ts_std", "ts_corr", "ewma", "cs_rank"):
        for window, size in ((20, "500x500"), (20, "3500x3000"), (240, "500x500")):
            variant = f"{name} w={window} float32 {size}"
            records += measured(variant, ratio, half, cost=math.log2(window))
            records += [(variant, "ours: error", 1e-7), (variant, "pandas: error", 0.0)]
            records += [(variant, "bottleneck: error", 0.06 if name == "ts_std" else 1e-6)]
            records += [(variant, "mlquantx: error", 0.9 if name == "ewma" else 1e-6)]
    for size in ("250x300", "750x1000"):
        records += measured(f"factors {size}", ratio, half) + measured(f"complex factor {size}", ratio, half)
        for name in ("ours", "pandas"):
            found = {"cpu": 3.0, "wall": 2.0, "peak": 2.0**30, "output": 2.0**29}
            records += [(f"alone {name} {size}", f"{name}: {what}", value) for what, value in found.items()]
    if disk:
        records += [("disk 3500x3000", f"ours: {what}", 3e9) for what in ("cpu", "wall", "peak", "output")]
    lines = [("how_fast", variant, 0, metric, value, 5, "different") for variant, metric, value in records]
    return pd.DataFrame(lines, columns=["study", "variant", "seed", "metric", "value", "n", "setting"])


def measured(variant: str, ratio: float, half: float, cost: float = 1.0) -> list[tuple[str, str, float]]:
    """Times of ours, ratios of the peers, with ends."""
    records = [(variant, "ours: cpu", cost), (variant, "ours: ns per cell", 4 * cost)]
    records += [(variant, "copy: ns per cell", 1.0)]
    for peer in ("pandas", "bottleneck", "mlquantx"):
        ends = (("", 0.0), (".low", -half), (".high", half))
        records += [(variant, f"{peer}: ratio{end}", ratio + shift) for end, shift in ends]
        records += [(variant, f"{peer}: ns per cell", 4 * cost * ratio)]
    return records


# ---------------------------------------------------------------------------------------------- the study


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_every_row_has_one_variant_and_a_known_kind(scale: str) -> None:
    rows = STUDY.rows(STUDY.settings(scale))
    variants = [row["variant"] for row in rows]
    assert len(set(variants)) == len(variants) and {row["kind"] for row in rows} <= set(KINDS)


def test_the_whole_panel_is_measured_only_when_asked_for() -> None:
    plain, whole = (STUDY.rows(STUDY.settings("paper", overrides={"whole_panel": w})) for w in (False, True))
    assert not [row for row in plain if (row.get("dates"), row.get("stocks")) == WHOLE]
    added = [row for row in whole if row not in plain]
    assert {row["kind"] for row in added} == {"primitive", "disk"} and len(added) == len(whole) - len(plain)


@pytest.mark.parametrize("size", ["750", "750x", "0x5", "a x b", "-3x4"])
def test_a_panel_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(ParameterError, match=f"panel size '{size}': expected DATESxSTOCKS"):
        STUDY.rows(STUDY.settings("smoke", overrides={"factor_sizes": [size]}))


def test_a_run_measures_every_contender_and_says_who_is_missing(tiny: pd.DataFrame) -> None:
    speed = Speed.of(tiny)
    assert speed.missing == ["mlquantx", "kunquant"] and "pandas" in speed.peers
    assert tiny.loc[tiny["metric"].str.endswith(("cpu", "ratio")), "value"].gt(0).all()
    for item in speed.operators():
        assert speed.find(item.variant, "ours", "cpu").value > 0 and speed.find(item.variant, "copy", "cpu").value > 0
        assert speed.find(item.variant, "ours", "error").value < 1e-4
    for what in ("factors", "complex factor"):
        (work,) = speed.work(what)
        assert speed.find(work.variant, "pandas", "ratio").value > 0
    shown = tables.summary(tiny)
    assert (shown["mlquantx / ours"] == "not installed").all() and len(tables.ratio_table(tiny, "float32")) > 5


def test_a_ratio_is_their_time_over_ours(tiny: pd.DataFrame) -> None:
    """Pair by pair: two repeats on a busy machine say no more of its size than that it is one."""
    ours, theirs = ([timing.Sample(cpu, cpu) for cpu in taken] for taken in ((2.0, 4.0), (6.0, 20.0)))
    assert timing.ratios(ours, theirs) == [3.0, 5.0]
    speed = Speed.of(tiny)
    found = [speed.find(item.variant, "pandas", "ratio") for item in speed.operators()]
    known = [ratio for ratio in found if not math.isnan(ratio.value)]
    assert known and all(0 < ratio.low <= ratio.value <= ratio.high for ratio in known)


# ---------------------------------------------------------------------------------- measured, not computed


def test_measured_rows_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log.txt"
    monkeypatch.setenv("TOY_LOG", str(log))
    study = replace(toy_study.STUDY, group=lambda row: str(row["seed"]), evidence="machine")
    run_study(study, seeds=3, jobs=2, fresh=True)
    assert len({line.split()[2] for line in log.read_text().splitlines()}) == 1


def test_verify_leaves_measurements_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from lib.paper.results import verification

    @dataclass
    class Source:
        study: Any = STUDY
        rows: tuple[Any, ...] = ("a row",)

        def stale_rows(self) -> list[str]:
            return []

    monkeypatch.setattr(verification, "everything_recorded", lambda *_: [Source()])
    found = verify(["how_fast"])
    assert found.ok and "1 rows measured on a machine" in found.message


# ------------------------------------------------------------------------------------------------ claims


def board(frame: pd.DataFrame) -> pd.DataFrame:
    claims = [claim for claim in load_ledger() if claim.id in tables.CLAIM_IDS]
    return scoreboard(tables.answer_claims(frame), claims).set_index("id")


def test_a_processor_never_reproduces_or_contradicts_a_gpu() -> None:
    for ratio in (0.5, 8.0, 23.0):
        found = board(made_up(ratio))
        answered = found[found["verdict"] != "not yet studied"]
        assert (answered["setting"] == "different").all() and len(answered) == len(tables.CLAIM_IDS)
        assert not set(answered["verdict"]) & {"reproduced", "compatible", "negligible", "contradicted"}
    assert set(board(made_up(8.0))["verdict"]) <= {"direction only", "does not carry over"}
    assert (board(made_up(0.5, half=0.1))["verdict"] == "does not carry over").all()


def test_the_largest_panel_answers_and_the_note_names_it() -> None:
    note = board(made_up())["note"]
    assert "3500 days x 3000 stocks" in note["B.speed.ts_std.speedup"] and "A100" in note["B.speed.ts_std.speedup"]
    assert "750 days x 1000 stocks" in note["B.speed.all_213.speedup"]
    assert "does not say which factor" in note["A.speed.complex_factor"]


def test_without_pandas_or_with_one_repeat_nothing_is_claimed() -> None:
    frame = made_up()
    ends = frame["metric"].str.endswith((".low", ".high"))
    assert (board(frame[~ends])["verdict"] == "inconclusive").all()
    assert tables.answer_claims(frame[~frame["metric"].str.startswith("pandas: ratio")]) == []


def test_every_speed_claim_of_the_papers_can_be_answered() -> None:
    assert set(tables.CLAIM_IDS) == {
        claim.id for claim in load_ledger() if ".speed." in claim.id and claim.setting == "hardware"
    }


# ------------------------------------------------------------------------------------------- what is shown


def test_sentences_follow_the_numbers() -> None:
    fast, slow = Speed.of(made_up(8.0)), Speed.of(made_up(0.5, half=0.1))
    assert "8.0 times [7.5, 8.5] that of mlquantx" in fast.factors_message()
    assert fast.operators_message().startswith("5 of 5") and slow.operators_message().startswith("0 of 5")
    growth = math.log2(240) / math.log2(20)
    assert f"240 days takes at most {growth:.1f} times as long as one of 20 (" in fast.window_message()
    renamed = made_up()
    renamed["variant"] = renamed["variant"].str.replace("ts_std", "ts_rank")
    slower = (renamed["variant"] == "ts_rank w=240 float32 500x500") & (renamed["metric"] == "ours: cpu")
    renamed.loc[slower, "value"] *= 9
    said = Speed.of(renamed).window_message()
    assert f"at most {growth:.1f} times" in said
    assert f"; ts_rank, which compares today with every day of its window, {9 * growth:.1f} times" in said
    assert "1 GiB resident at the peak for a result of 0.5 GiB" in fast.memory_message()
    assert {(item.name, peer) for item, peer, _ in fast.wrong()} == {("ts_std", "bottleneck"), ("ewma", "mlquantx")}
    assert "bottleneck's ts_std on float32 (up to 0.06)" in fast.wrong_message() and "ours" not in fast.wrong_message()
    assert fast.plain()[0].size == Size(3500, 3000)


def test_an_interval_that_reaches_one_is_no_win() -> None:
    assert Speed.of(made_up(1.3, half=0.4)).operators_message().startswith("0 of 5")
    found = Speed.of(made_up(1.3, half=0.4)).find("factors 250x300", "pandas", "ratio")
    assert times(found) == "1.3 times [0.9, 1.7] that"


def test_tables_show_the_missing_and_the_remarks() -> None:
    errors = tables.error_table(made_up(), "float32").set_index("operator")
    assert (errors["polars"] == "not installed").all() and "starts from 0" in errors.loc["ewma", "remark"]
    assert tables.memory_table(made_up(disk=True))["by"].tolist() == ["ours"] * 2 + ["pandas"] * 2 + ["ours, to disk"]
    beside = tables.beside_table(made_up(8.0), made_up(4.0)).set_index("operator")
    assert beside.loc["ewma"].tolist() == [8.0, 4.0] * 3


@pytest.mark.parametrize("draw", [ratios, against_window, against_size], ids=lambda draw: draw.__name__)
def test_figures_draw_the_same_bytes_and_say_something(draw: Any) -> None:
    first, second = (to_svg(draw(made_up(), "a note")) for _ in range(2))
    assert first == second and first.count("<path") > 20 and title_of(draw(made_up()))


def test_figures_bear_a_run_without_peers(tiny: pd.DataFrame) -> None:
    for draw in (ratios, against_window, against_size):
        assert to_svg(draw(tiny[~tiny["metric"].str.contains("pandas|polars|bottleneck")]))


@dataclass
class Record:
    """As much of a recorded result as the page asks for."""

    frame: pd.DataFrame
    runs: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> str:
        return "how_fast: recorded at scale paper"

    def answers(self) -> list[Any]:
        return tables.answer_claims(self.frame)

    def __bool__(self) -> bool:
        return bool(len(self.frame))


@dataclass
class Result:
    frame: pd.DataFrame
    study: Any = STUDY
    provenance: dict[str, Any] = field(default_factory=lambda: {"hardware": "a toaster, 1 cores"})


def test_the_page_shows_the_recorded_result_and_says_when_there_is_none() -> None:
    run = {"hardware": "a big machine", "versions": {"torch": "2", "scipy": "1"}}
    result, record, nothing = Result(made_up(3.0)), Record(made_up(8.0), {"a": run}), Record(pd.DataFrame())
    there, absent = (measurement(result, item) for item in (record, nothing))  # type: ignore[arg-type]
    assert there.frame is record.frame and "a big machine" in there.note
    assert absent.frame is result.frame and "a toaster" in absent.note
    told = [measured_on(result, item).data for item in (record, nothing)]  # type: ignore[arg-type]
    assert "recorded at scale paper" in told[0] and "torch 2" in told[0] and "scipy" not in told[0]
    assert "No result is recorded yet" in told[1] and "polars" in told[1]
    assert "does not carry over" in speed_claims(result, nothing).data  # type: ignore[arg-type]


def test_the_papers_tables_are_those_of_the_ledger() -> None:
    assert len(papers_tables()) == len(tables.CLAIM_IDS) + 1 and papers_tables()["as printed"].str.len().gt(0).all()


def test_the_result_file_is_strict_json_with_its_provenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame, provenance = made_up(), {"commit": "c" * 40, "hardware": "h", "date": "d"}
    frame.loc[10, "value"] = math.nan
    asked: dict[str, Any] = {}

    def run(study: Any, **options: Any) -> Any:
        asked.update(options)
        (options["cache"] / "studies").mkdir(parents=True)
        return Result(frame, study, provenance)

    monkeypatch.setattr(how_fast_report, "run_study", run)
    out = tmp_path / "deep" / "bench.json"
    how_fast_report.main("smoke", whole_panel=True, out=out)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    found = json.loads(out.read_text(), parse_constant=refuse)
    assert found["provenance"] == provenance and len(found["rows"]) == len(frame)
    assert found["rows"][10]["value"] is None and found["rows"][0]["value"] == frame["value"][0]
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"], "finished rows are cleared away"
    assert asked["scale"] == "smoke" and asked["whole_panel"] is True
    printed = capsys.readouterr().out
    assert "not installed: polars" in printed and "pandas / ours" in printed and "c" * 10 in printed
