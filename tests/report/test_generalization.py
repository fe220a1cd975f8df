"""The page over all corpora: which reports enter, how models are ranked over them, and what is said of few corpora."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from made_up_results import made_up_results

from respbench.benchmarks.report.evidence import read_report
from respbench.benchmarks.report.folders import GENERALIZATION as PAGE
from respbench.benchmarks.report.generalization import (
    DIAGRAM,
    FIGURE,
    Generalization,
    generalization,
    plan_panels,
    value_rows,
    write_generalization,
)
from respbench.benchmarks.report.index import write_index
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.tables import GENERALIZATION, LEADERBOARD, RANKS
from respbench.benchmarks.statistics.critical_difference import fewest_corpora
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import METRICS
from respbench.benchmarks.statistics.pairwise import Pairwise, ranks
from respbench.benchmarks.statistics.results import FROM_OUTSIDE
from respbench.benchmarks.statistics.status import Completion, Status

PLACE = "patients-5fold"
AUROC = {"good": 0.9, "fair": 0.7, "prior": 0.5}


def report(
    results: Path,
    place: str,
    auroc: Mapping[str, float] = AUROC,
    worse: Mapping[str, str] | None = None,
    warning: str = "",
    unfinished: str = "",
) -> Path:
    """Tables of a report, without fits; by ``worse``, models are shown to be worse than those that it names."""
    folder = results / place
    folder.mkdir(parents=True)
    values = {model: Estimate(value, value - 0.05, value + 0.05) for model, value in auroc.items()}
    rows = [
        {
            "model": model,
            **dict.fromkeys(METRICS, value),
            "repeats": 3 if model == "good" else 10,
            "status": Status(Completion.UNFINISHED if model == unfinished else Completion.COMPLETE),
            "warning": FROM_OUTSIDE if model == "outside" else warning,
        }
        for model, value in values.items()
    ]
    LEADERBOARD.write(folder, rows)
    RANKS.write(folder, [{"model": model, "auroc_worse_than": (worse or {}).get(model, "")} for model in auroc])
    return folder


def page_of(results: Path) -> str:
    write_generalization(results, draw=False)
    return (results / PAGE).read_text()


def found_in(results: Path) -> Generalization:
    found = generalization(results)
    assert found is not None
    return found


def test_one_corpus_is_no_page_and_an_old_one_goes(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}")
    report(tmp_path, f"one/four-class/{PLACE}")
    (tmp_path / "figures").mkdir()
    old = [tmp_path / PAGE, tmp_path / GENERALIZATION.filename, tmp_path / "figures" / FIGURE]
    for path in old:
        path.write_text("of an earlier run")
    (tmp_path / "figures" / "coverage.png").write_text("another page's")
    write_generalization(tmp_path)
    assert not any(path.exists() for path in old)
    assert (tmp_path / "figures" / "coverage.png").exists()
    assert PAGE not in write_index(tmp_path).read_text()


def test_two_corpora_are_side_by_side_and_linked(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}", AUROC | {"only": 0.6}, {"prior": "good; fair"})
    report(tmp_path, f"two/abnormal/{PLACE}", AUROC | {"fair": 0.95}, {"prior": "good; fair", "good": "fair"})
    write_generalization(tmp_path)
    text = (tmp_path / PAGE).read_text()
    assert f"]({PAGE})" in write_index(tmp_path).read_text()
    assert f"](figures/{FIGURE})" in text
    assert (tmp_path / "figures" / FIGURE).exists()
    (section,) = found_in(tmp_path).sections
    shown = {row[0]: row[1:] for row in value_rows(section, "auroc")}
    assert shown["good"] == ["0.900 [0.850, 0.950], rank 1 [1, 3]", "0.900 [0.850, 0.950], rank 2 [2, 2]"]
    assert shown["only"] == ["0.600 [0.550, 0.650], rank 3 [1, 4]", "not run"]
    assert re.findall(r"\| +([\d ]+to 10|10) \| +3 \|", text) == ["3 to 10", "3 to 10"], "the common repeats"
    assert "No report shows a better one than `fair`." in text
    (tmp_path / PAGE).unlink()
    assert page_of(tmp_path) == text


def test_mean_ranks_are_of_common_models_and_each_corpus_counts_once(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}", AUROC | {"first": 0.99}, {"fair": "first", "prior": "good; first"})
    report(tmp_path, f"one/four-class/{PLACE}", {"prior": 0.8, "good": 0.7, "fair": 0.6}, {"fair": "prior"})
    report(tmp_path, f"one/abnormal/{PLACE}-more", AUROC)
    report(tmp_path, f"two/abnormal/{PLACE}", AUROC)
    (section,) = found_in(tmp_path).sections
    assert section.models == ("good", "fair", "prior", "first"), "by mean rank, then those without one"
    found = section.mean_ranks("auroc")
    assert set(found) == set(AUROC), "`first` is not in every report"
    assert found["good"].corpora == {"one": 1.5, "two": 1}
    assert found["good"].value == 1.25
    assert found["fair"].corpora == {"one": 2.5, "two": 2}
    assert found["prior"].corpora == {"one": 2, "two": 3}
    assert (found["prior"].low, found["prior"].high) == (0.5 * (1.5 + 1), 0.5 * (2.5 + 3))
    assert {model: mean.beaten for model, mean in found.items()} == {"good": 0, "fair": 1, "prior": 1}


@pytest.mark.parametrize(
    ("place", "warning"),
    [
        ("two/abnormal/random-5fold", "LEAKY"),
        ("two/abnormal/official", "NOT PATIENT-DISJOINT"),
        (f"two/abnormal/{PLACE}", "SIMULATED"),
        ("two/abnormal/cross-corpus-from-one", "SIMULATED; TRAINED ON one"),
        ("two/abnormal/multi-corpus-with-one", "SIMULATED; ALSO TRAINED ON one"),
        ("two/abnormal/patients-5fold-labels10", ""),
        ("two/abnormal/patients-5fold-ablation", ""),
        ("two/abnormal/patients-5fold-of-0123456789abcdef", ""),
        ("simulated/abnormal/patients-5fold", ""),
        ("tuned/two/abnormal/patients-5fold", ""),
    ],
)
def test_what_says_nothing_about_new_patients_does_not_enter(tmp_path: Path, place: str, warning: str) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}")
    assert read_report(report(tmp_path, place, warning=warning), tmp_path) is None or place.startswith("simulated")
    assert generalization(tmp_path) is None


def test_an_official_part_without_warning_enters_and_rows_from_outside_do_not(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}", AUROC | {"outside": 0.99})
    report(tmp_path, "two/abnormal/official", AUROC | {"outside": 0.99}, {"good": "outside"})
    (section,) = found_in(tmp_path).sections
    assert section.models == ("good", "fair", "prior")
    assert section.unbeaten("auroc") == section.models
    assert "outside" not in page_of(tmp_path)


def test_unfinished_models_have_no_number_and_no_rank(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}", unfinished="good")
    report(tmp_path, f"two/abnormal/{PLACE}")
    (section,) = found_in(tmp_path).sections
    assert set(section.mean_ranks("auroc")) == {"fair", "prior"}
    shown = {row[0]: row[1:] for row in value_rows(section, "auroc")}
    assert shown["good"][0] == "unfinished"
    assert shown["fair"][0] == "0.700 [0.650, 0.750], rank 1 [1, 2]"


def test_without_a_common_model_there_are_values_and_no_ranks(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}", {"good": 0.9})
    report(tmp_path, f"two/abnormal/{PLACE}", {"fair": 0.7})
    text = page_of(tmp_path)
    assert "no model is in every report" in text
    assert "it compares at least 3 models, and 0 are in every report" in text
    assert "0.900 [0.850, 0.950]" in text


def test_across_corpora_each_protocol_has_a_section_and_a_color(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}")
    for target, source in (("one", "two"), ("two", "one")):
        for adapted, value in (("", 0.54), ("-adapted", 0.6)):
            warning = f"TRAINED ON {source}" + (", ADAPTED" if adapted else "")
            place = f"{target}/abnormal/cross-corpus{adapted}-from-{source}"
            report(tmp_path, place, {"good": value, "prior": 0.5}, warning=warning)
    found = found_in(tmp_path)
    assert [section.setting for section in found.sections] == ["", "cross-corpus", "cross-corpus-adapted"]
    assert [report.title for report in found.sections[1].reports] == ["two → one · abnormal", "one → two · abnormal"]
    assert [section.above_chance() for section in found.sections[1:]] == [(), ("good",)]
    panels = {panel.title: panel for panel in plan_panels(found.sections)}
    assert list(panels) == ["one · abnormal", "two · abnormal"]
    assert len(panels["one · abnormal"].lines) == 3
    assert set(panels["two · abnormal"].lines) < set(panels["one · abnormal"].lines), "the same names and colors"
    headings = re.findall("^## (.*)$", page_of(tmp_path), re.MULTILINE)
    assert headings[1:] == ["Across corpora: `cross-corpus`", "Across corpora: `cross-corpus-adapted`"]
    rows = (tmp_path / GENERALIZATION.filename).read_text().splitlines()
    assert rows[0].startswith("model,corpus,task,protocol,trained_on,score,score_low")
    assert len(rows) == 1 + 3 + 4 * 2
    assert any(row.startswith("good,one,abnormal,cross-corpus-from-two,two,0.54") for row in rows)


def test_what_was_trained_on_several_corpora_has_a_section_and_a_color(tmp_path: Path) -> None:
    for target, source in (("one", "two"), ("two", "one")):
        report(tmp_path, f"{target}/abnormal/{PLACE}")
        place = f"{target}/abnormal/cross-corpus-from-{source}"
        report(tmp_path, place, {"good": 0.54}, warning=f"TRAINED ON {source}")
        place = f"{target}/abnormal/multi-corpus-with-{source}"
        report(tmp_path, place, {"good": 0.92, "prior": 0.5}, warning=f"ALSO TRAINED ON {source}")
    found = found_in(tmp_path)
    assert [section.setting for section in found.sections] == ["", "cross-corpus", "multi-corpus"]
    assert [section.across for section in found.sections] == [False, True, False]
    assert found.within == found.sections[0]
    assert [report.title for report in found.sections[2].reports] == [
        "one+two → one · abnormal",
        "one+two → two · abnormal",
    ]
    lines = [list(panel.lines) for panel in plan_panels(found.sections)]
    assert lines[0] == lines[1]
    assert lines[0][1:] == ["trained on the other corpus (cross-corpus)", "trained on both corpora (multi-corpus)"]
    text = page_of(tmp_path)
    headings = re.findall("^## (.*)$", text, re.MULTILINE)
    assert headings[1:] == ["Across corpora: `cross-corpus`", "Trained on several corpora: `multi-corpus`"]
    assert "- Trained on several corpora (`multi-corpus`): of the 2 models that every report has, `good`" in text
    rows = (tmp_path / GENERALIZATION.filename).read_text().splitlines()
    assert any(row.startswith("good,one,abnormal,multi-corpus-with-two,one+two,0.92") for row in rows)


def test_three_corpora_that_were_trained_on_are_named_in_order(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}")
    place = "two/abnormal/multi-corpus-with-one+zero"
    found = read_report(report(tmp_path, place, warning="ALSO TRAINED ON one+zero"), tmp_path)
    assert found is not None
    assert found.trained_on == "one+two+zero"


def test_where_three_corpora_were_trained_on_the_legend_names_them(tmp_path: Path) -> None:
    """Of two tested corpora, too, where the other one would otherwise be clear."""
    report(tmp_path, f"one/abnormal/{PLACE}")
    report(tmp_path, f"two/abnormal/{PLACE}")
    report(tmp_path, "two/abnormal/multi-corpus-with-one+zero", warning="ALSO TRAINED ON one+zero")
    lines = [name for panel in plan_panels(found_in(tmp_path).sections) for name in panel.lines]
    assert "trained on one+two+zero (multi-corpus)" in lines


def test_the_index_lists_what_was_trained_on_several_corpora_apart(tmp_path: Path) -> None:
    report(tmp_path, f"one/abnormal/{PLACE}")
    both = report(tmp_path, "one/abnormal/multi-corpus-with-two", warning="ALSO TRAINED ON two")
    (both / "crossing.md").touch()
    above, _, below = write_index(tmp_path).read_text().partition("## Trained on several corpora")
    assert "multi-corpus-with" not in above
    assert below.count("| ALSO TRAINED ON two") == 1
    assert "(one/abnormal/multi-corpus-with-two/crossing.md)" in below


def test_the_figure_shows_tasks_that_corpora_share(tmp_path: Path) -> None:
    for place in ("one/abnormal", "two/abnormal", "two/four-class", "ten10/abnormal", "ten9/abnormal"):
        report(tmp_path, f"{place}/{PLACE}")
    titles = [panel.title for panel in plan_panels(found_in(tmp_path).sections)]
    assert titles == ["one · abnormal", "ten9 · abnormal", "ten10 · abnormal", "two · abnormal"]


def test_a_critical_difference_diagram_needs_enough_corpora_not_reports(tmp_path: Path) -> None:
    needed = fewest_corpora(len(AUROC))
    for number in range(needed - 1):
        for task in ("abnormal", "four-class"):
            drop = 0.01 * number
            report(tmp_path, f"c{number}/{task}/{PLACE}", {model: value - drop for model, value in AUROC.items()})
    text = page_of(tmp_path)
    assert f"for 3 models it needs {needed} corpora, and here are {needed - 1}" in text
    assert DIAGRAM not in text
    report(tmp_path, f"last/abnormal/{PLACE}")
    write_generalization(tmp_path)
    text = (tmp_path / PAGE).read_text()
    assert f"](figures/{DIAGRAM})" in text
    assert "There is no critical-difference" not in text
    assert (tmp_path / "figures" / DIAGRAM).exists()
    difference = found_in(tmp_path).difference
    assert difference is not None
    assert difference.ranks == {"good": 1, "fair": 2, "prior": 3}
    assert difference.groups == ()


def test_ranks_come_from_the_pairs_of_the_report(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0, "xgboost": 4.0}, seeds=1)
    write_report(store, draw=False)
    results = load_results(store)
    rows = RANKS.read(store.folder)
    for metric in ("score", "auroc"):
        pairs = Pairwise.of(results, metric)
        bounds = {model: (row[f"{metric}_rank_low"], row[f"{metric}_rank_high"]) for model, row in rows.items()}
        assert bounds == {model: (rank.low, rank.high) for model, rank in ranks(pairs).items()}
        assert rows["prior"][f"{metric}_worse_than"] == "xgboost; svm"
    trusted = read_report(store.folder, tmp_path)
    assert trusted is not None
    assert trusted.patients == 24
    assert trusted.description == "made-up clips"
    assert trusted.ranks("auroc", ("prior", "svm"))["prior"][1].low == 2
    svm = results.find("svm")
    assert svm is not None
    assert trusted.cells("auroc")["svm"].startswith(cell(svm.estimate("auroc")))
