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

from lib.errors import ParameterError
from lib.paper.claims import load_ledger, scoreboard
from lib.paper.pages.style import to_svg
from lib.studies import recorded, run_study, verify
from lib.studies.how_fast import STUDY, page
from lib.studies.how_fast import report as tables
from lib.studies.how_fast.bench import peers, timing
from lib.studies.how_fast.curves import against_size, against_window
from lib.studies.how_fast.measure import KINDS, WHOLE
from lib.studies.how_fast.speed import PEERS, Size, Speed

TINY: dict[str, Any] = {
    "primitive_sizes": ["40x20"], "windows": [5], "factor_sizes": ["60x8"], "agreement_size": "60x8", "alone": [],
    "neutral_size": "3x60", "update_size": "60x8", "least": 0.0, "repeats": 2, "masked_days": 80,
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny() -> pd.DataFrame:
    """A run without the peers of the extras, in a few seconds."""
    with pytest.MonkeyPatch.context() as patch:
        there = ("pandas", "bottleneck", "polars")
        patch.setattr(peers, "installed", lambda peer: peer in there)
        return run_study("how_fast", scale="smoke", fresh=True, progress=False, **TINY).frame


def made_up(ratio: float = 8.0, *, disk: bool = False, half: float = 0.5) -> pd.DataFrame:
    """A result in which every peer needs `ratio` times our CPU time, give or take `half`."""
    records: list[tuple[str, str, float]] = [("machine", "calibration", 0.05), ("machine", "bandwidth", 2e10)]
    records += [("machine", f"{peer}: installed", float(peer != "polars")) for peer in PEERS]
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
    claims = [claim for claim in load_ledger() if claim.id in page.CLAIM_IDS]
    return scoreboard(page.answer_claims(frame), claims).set_index("id")


def test_a_processor_never_reproduces_or_contradicts_a_gpu() -> None:
    for ratio in (0.5, 8.0, 23.0):
        found = board(made_up(ratio))
        answered = found[found["verdict"] != "not yet studied"]
        assert (answered["setting"] == "different").all() and len(answered) == len(page.CLAIM_IDS)
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
    assert page.answer_claims(frame[~frame["metric"].str.startswith("pandas: ratio")]) == []


def test_every_speed_claim_of_the_papers_can_be_answered() -> None:
    assert set(page.CLAIM_IDS) == {
        claim.id for claim in load_ledger() if ".speed." in claim.id and claim.setting == "hardware"
    }


# ------------------------------------------------------------------------------------------- what is shown


def texts(frame: pd.DataFrame) -> list[str]:
    return [item.text for item in page.findings(frame)]


def test_findings_follow_the_numbers() -> None:
    fast, text = Speed.of(made_up(8.0)), " ".join(texts(made_up(8.0)))
    growth = math.log2(240) / math.log2(20)
    for words in ("computes all 213 factors of 750 days x 1000 stocks in 1.0 CPU seconds",
                  "package takes 8.0 [7.5, 8.5] times that",
                  "in pandas take 8.0 [7.5, 8.5] times", "print 51.1", "In 5 of 5 operators", "at worst by 0.9",
                  "bottleneck, mlquantx differ", "1.0 GiB at the peak for 0.5 GiB",
                  f"240 days takes at most {growth:.1f} times"):  # fmt: skip
        assert words in text, words
    assert {(item.name, peer) for item, peer, _ in fast.wrong()} == {("ts_std", "bottleneck"), ("ewma", "mlquantx")}
    assert fast.plain()[0].size == Size(3500, 3000) and not any(fast.behind(item) for item in fast.plain())


def test_a_finding_does_not_hold_when_its_number_is_turned_round() -> None:
    slow = page.findings(made_up(0.5, half=0.1))
    assert not any(item.holds for item in slow if "package" in item.sentence or "pandas" in item.sentence)
    assert not slow[3].holds and slow[4].holds, "slower in every operator"
    assert "5 operators are faster elsewhere" in slow[4].text and "0.50 [0.40, 0.60]" in slow[4].text
    wrong = made_up()
    wrong.loc[wrong["metric"] == "ours: error", "value"] = 0.5
    assert not page.findings(wrong)[2].holds
    exact = made_up()
    exact.loc[exact["metric"].str.endswith(": error"), "value"] = 0.0
    assert page.findings(exact)[2].text.startswith("No library differs")
    large = made_up()
    large.loc[large["metric"].str.endswith(": peak"), "value"] = 2.0**33
    assert not page.findings(large)[5].holds
    long = made_up()
    long.loc[long["variant"].str.contains("w=240") & (long["metric"] == "ours: cpu"), "value"] *= 9
    assert not page.findings(long)[6].holds


def test_ranks_over_time_are_the_exception_of_the_window() -> None:
    renamed = made_up()
    renamed["variant"] = renamed["variant"].str.replace("ts_std", "ts_rank")
    slower = (renamed["variant"] == "ts_rank w=240 float32 500x500") & (renamed["metric"] == "ours: cpu")
    renamed.loc[slower, "value"] *= 9
    assert page.findings(renamed)[6].holds


def test_what_was_not_measured_gives_no_sentence(tiny: pd.DataFrame) -> None:
    nothing = pd.DataFrame(columns=list(tiny.columns))
    assert not any(item.holds for item in page.findings(nothing))
    authors = page.findings(tiny)[0]
    assert not authors.holds and authors.text.startswith("Not in this run")


def test_every_finding_holds_on_the_recorded_result() -> None:
    record = recorded("how_fast")
    if record.stale:
        pytest.skip("recorded by earlier code")
    assert [item.text for item in page.findings(record.frame) if not item.holds] == []


def test_an_interval_that_reaches_one_is_no_win() -> None:
    speed = Speed.of(made_up(1.3, half=0.4))
    assert not any(speed.ahead(item) or speed.behind(item) for item in speed.plain())


def test_tables_show_the_missing_and_the_remarks() -> None:
    errors = tables.error_table(made_up(), "float32").set_index("operator")
    assert (errors["polars"] == "not installed").all() and "starts from 0" in errors.loc["ewma", "remark"]
    assert tables.memory_table(made_up(disk=True))["by"].tolist() == ["ours"] * 2 + ["pandas"] * 2 + ["ours, to disk"]


@dataclass
class Shown:
    """As much of a result as the figures and tables of the page ask for."""

    rows: pd.DataFrame
    name: str = "this build"
    made: Any = None
    build: Any = None


@pytest.mark.parametrize("draw", [against_window, against_size], ids=lambda draw: draw.__name__)
def test_curves_are_the_same_twice(draw: Any) -> None:
    first, second = (to_svg(draw(Speed.of(made_up()), "a title", "a note")) for _ in range(2))
    assert first == second and first.count("<path") > 20


PARTS = (page.ratios, page.work, page.operators, page.alphas, page.errors, page.masked_cells, page.agreement,
         page.against_window, page.against_size, page.memory, page.printed)  # fmt: skip


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_part_of_the_page_bears_a_run_without_peers(part: Any, tiny: pd.DataFrame) -> None:
    alone = tiny[~tiny["metric"].str.contains("pandas|polars|bottleneck")]
    for rows in (tiny, alone, made_up()):
        assert part(Shown(rows)).data


@dataclass
class Result:
    frame: pd.DataFrame
    study: Any = STUDY
    provenance: dict[str, Any] = field(default_factory=lambda: {"hardware": "a toaster, 1 cores", "versions": {}})


def test_the_head_names_machine_and_versions_and_what_is_missing() -> None:
    run = {"hardware": "a big machine", "versions": {"torch": "2", "scipy": "1"}}
    there = page._machine(Shown(made_up(), made=Record({"a": run})))  # type: ignore[arg-type]
    assert "a big machine" in there and "torch 2" in there and "scipy" not in there and "polars" in there
    here = page._machine(Shown(made_up(), build=Result(made_up())))  # type: ignore[arg-type]
    assert "a toaster" in here


@dataclass
class Record:
    runs: dict[str, Any]


def test_the_papers_tables_are_those_of_the_ledger() -> None:
    found = page.papers_tables()
    assert len(found) == len(page.CLAIM_IDS) + 1 and found["as printed"].str.len().gt(0).all()


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

    monkeypatch.setattr(tables, "run_study", run)
    out = tmp_path / "deep" / "bench.json"
    tables.main("smoke", whole_panel=True, out=out)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    found = json.loads(out.read_text(), parse_constant=refuse)
    assert found["provenance"] == provenance and len(found["rows"]) == len(frame)
    assert found["rows"][10]["value"] is None and found["rows"][0]["value"] == frame["value"][0]
    assert [path.name for path in out.parent.iterdir()] == ["bench.json"], "finished rows are cleared away"
    assert asked["scale"] == "smoke" and asked["whole_panel"] is True
    printed = capsys.readouterr().out
    assert "not installed: polars" in printed and "pandas / ours" in printed and "c" * 10 in printed
