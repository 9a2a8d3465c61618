"""The pages written by hand: their links, the two languages of the glossary, the Chinese summary beside the findings;
citation and changelog."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from lib import __version__
from lib.stats.over_seeds import OverSeeds
from lib.studies import load_study, recorded
from lib.studies.claims.said import is_evidence

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
TEXTS = sorted((ROOT / "book").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
#: of changes, as in Keep a Changelog
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "book" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| English ")
]


def dead(text: str) -> list[str]:
    """Links of a text of book/ to no page: neither a notebook of the book nor a file beside the text."""
    found = []
    for target in LINK.findall(text):
        path = target.partition("#")[0]
        page = re.fullmatch(r"run/(\w+)\.ipynb", path)
        place = ROOT / "notebooks" / f"{page[1]}.ipynb" if page else ROOT / "book" / path
        if path and not path.startswith("https://") and not (place.is_file() or place.with_suffix(".md").is_file()):
            found.append(target)
    return found


def words(text: str) -> str:
    """Lower case, with one space for spaces, hyphens, quotes and marks of emphasis."""
    return re.sub(r"[\s\"*-]+", " ", text.lower())


def source(name: str) -> str:
    """What the page of a notebook is made from: its cells and the sentences of its study."""
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    parts = ["".join(cell["source"]) for cell in cells]
    folder = ROOT / "lib" / "studies" / name
    parts += [file.read_text(encoding="utf-8") for file in folder.glob("*.py") if file.stem != "measure"]
    return words(" ".join(parts))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_link_of_a_text_leads_to_a_page(path: Path) -> None:
    assert dead(path.read_text(encoding="utf-8")) == []


def test_a_dead_link_is_seen() -> None:
    text = "[](run/coverage.ipynb) [x](run/no_such_page.ipynb) [](rerun) [](nowhere.md) [](#here)"
    assert dead(text) == ["run/no_such_page.ipynb", "nowhere.md"]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_text_is_in_the_contents(path: Path) -> None:
    assert f"- file: {path.stem}\n" in (ROOT / "book" / "_toc.yml").read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------------- glossary


def test_every_term_is_there_in_both_languages() -> None:
    assert ROWS and all(len(row) == 4 for row in ROWS)
    for english, chinese, meaning, _ in ROWS:
        assert english and not CHINESE.search(english), english
        assert CHINESE.search(chinese), english
        assert meaning.endswith((".", ".*")), english


def test_terms_are_sorted_and_there_once() -> None:
    terms = [row[0].casefold() for row in ROWS]
    assert terms == sorted(set(terms))
    assert len({row[1] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_page_of_a_term_uses_it(row: list[str]) -> None:
    term, page = row[0].partition(" (")[0], re.fullmatch(r"\[\]\(run/(\w+)\.ipynb\)", row[3])
    assert page and words(term) in source(page[1])


# ------------------------------------------------------------------------------------- Chinese summary

#: study -> (what a finding of its page says, the sentence of the Chinese summary that rests on it)
TRANSLATED = {
    "limit_events": [
        ("The next open lies above a limit-up close", "次日开盘价平均高于涨停收盘价"),
        ("earns nothing that differs from zero over five days", "其后数日的收益与零没有可测的差别"),
    ],
    "mask_ablation_real": [
        ("Leaving untradable returns out of the labels raises the IC", "确实提高对可买入股票的"),
        ("windows that skip masked days, labels and orders fixed, change it by", "只让窗口跳过被掩的日子"),
        ("No mask is shown to pay for its trading", "没有证据表明哪一种掩码"),
    ],
    "mask_ablation": [("The mask works through the labels", "真正能赚到的收益之间的相关性也随之提高")],
    "phantom_alpha": [("is higher, but only on paper", "但只是纸面上的")],
    "contract_audit": [("the content of a masked cell changes a valid value", "被掩单元格里的内容而改变别处的有效值")],
    "contamination": [
        ("Skipping limit closes moves a factor away from its counterfactual", "反而离得更远"),
        ("Skipping halts brings factors nearer", "跳过停牌日则使其更近"),
    ],
    "paper_panel": [
        ("has next to nothing to mask", "几乎没有东西可掩"),
        ("Nothing in the papers' panel can be predicted", "也没有任何东西可预测"),
        ("Chance does not explain the paper's IC", "用偶然也解释不了"),
    ],
    "own_setting_mask": [
        ("Before costs the full mask and no mask cannot be told apart", "扣费前全掩码与不掩码没有可测的差别"),
        ("A mask without information does as much", "换成不含信息的掩码"),
    ],
    "own_setting_ladder": [
        ("On these markets AdjMSE contributes more", "贡献最大的不是掩码"),
        ("The papers' loss (AdjMSE) is ahead of MSE", "扣费前与均方误差没有可测的差别"),
    ],
    "main_results": [
        ("The papers' full system, its Transformer fitted to a sub-sample, is behind ridge", "落后于岭回归"),
        ("on simulated markets whose alpha is linear", "其可预测部分是线性的"),
    ],
    "factor_count": [("the gain is not monotone in the number of factors", "并不随因子数单调增加")],
    "deflated_sharpe": [
        ("In simulated markets without any alpha the best of", "从许多次试验中挑出的最好一次看上去也很好"),
        ("Deflated by the effective number of trials, the best Sharpe ratio passes in", "它就通不过检验"),
    ],
    "regimes": [
        ("What the papers' mask gains is costs that it does not pay", "主要是少付的交易费用"),
        ("Purchases refused at limit-up matter more than sales refused", "涨停买不进比跌停卖不出更重要"),
    ],
    "ewma_float32": [
        ("An average computed as a recursion does not drift in float32", "单精度的指数加权移动平均并不漂移"),
        ("The rule for days without a price matters far more", "影响大得多"),
    ],
    "covariance_eigenvalue": [("Ledoit-Wolf has no negative eigenvalue on any day", "在任何一天都没有负特征值")],
    "learner_tuning": [
        ("Equal care brings the learners together", "同样用心的调参之后彼此接近"),
        ("a comparison with default settings would undervalue this learner", "会低估它们"),
    ],
    "controls": [
        ("comes from the part of a move that the limit cuts off", "被涨跌停截断、次日开盘才补上"),
        (
            "deleting untradable rows from labels and orders takes the IC on predicted cells",
            "已经去掉了零信号市场里虚假信息系数的大部分",
        ),
    ],
    "other_markets": [
        ("What a back-test invents comes from price limits rather than halts", "它来自涨跌停，而不是停牌"),
        ("distorts a back-test less than price limits do", "全市场熔断造成的扭曲小得多"),
    ],
}
SUMMARY = (ROOT / "book" / "zh.md").read_text(encoding="utf-8")
#: the sentences about findings: the items of the second to the fourth section
ITEMS = [item for section in SUMMARY.split("\n## ")[2:5] for item in section.split("\n- ")[1:]]


@pytest.mark.parametrize("study", TRANSLATED)
def test_the_chinese_summary_says_what_holds_on_the_recorded_rows(study: str) -> None:
    record = recorded(load_study(study))
    if not is_evidence(record):
        pytest.skip("not recorded")
    page = load_study(study).page
    assert page.findings
    holding = [item.text for item in page.findings(record.frame) if item.holds]
    for finding, _ in TRANSLATED[study]:
        assert any(finding in text for text in holding), f"no longer found; mend book/zh.md, README.md: {finding}"


def test_the_loss_is_ahead_after_costs_alone() -> None:
    record = recorded(load_study("own_setting_ladder"))
    if not is_evidence(record):
        pytest.skip("not recorded")
    gross = OverSeeds(record.frame).find("full - no AdjMSE", "literal.0bps.sharpe")
    assert gross.low < 0 < gross.high, "mend book/zh.md: 扣费前与均方误差没有可测的差别"


def test_every_sentence_of_the_chinese_summary_rests_on_a_finding() -> None:
    for study, pairs in TRANSLATED.items():
        for _, sentence in pairs:
            (item,) = (item for item in ITEMS if sentence in item)
            assert f"(run/{study}.ipynb)" in item, sentence
    for item in ITEMS:
        for study in re.findall(r"run/(\w+)\.ipynb", item):
            assert any(sentence in item for _, sentence in TRANSLATED[study]), item


def test_what_the_readme_found_the_chinese_summary_found_too() -> None:
    """So it holds on the recorded rows, by the test of that summary; and it types no number."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What it found\n")[2].partition("\n## ")[0]
    named = re.findall(r"notebooks/(\w+)\.ipynb", text)
    assert named and set(named) <= set(TRANSLATED) and not re.search(r"\d", text)


def test_the_chinese_summary_types_no_number() -> None:
    assert re.findall(r"\d", LINK.sub("", SUMMARY)) == []


# ------------------------------------------------------------------------------ citation and changelog


def test_the_citation_is_of_this_version_and_names_both_papers() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software" and cited["message"]
    assert (cited["version"], cited["license"]) == (__version__, project["license"])
    assert cited["authors"] == project["authors"]
    works = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    papers = re.findall(r"@misc\{du-.*?author = \{(.*?)\},.*?title  = \{(.*?)\}", works, re.DOTALL)
    found = [
        (f"{one['authors'][0]['family-names']}, {one['authors'][0]['given-names']}", one["title"])
        for one in cited["references"]
    ]
    assert found == papers and len(papers) == 2


def test_the_changelog_has_one_section_that_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["[Unreleased]"]
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= KINDS


def test_every_path_of_the_changelog_is_there() -> None:
    paths = re.findall(r"`((?:lib|book|notebooks|tests)/[^`]*)`", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert paths and [path for path in paths if not (ROOT / path).exists()] == []
