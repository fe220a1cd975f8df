"""The page about training on another corpus: the same tested clips under three settings, and what adaptation adds."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_results import change_record, made_up_results

from respbench.benchmarks.report.crossing import SHOWN, crossing
from respbench.benchmarks.report.pages import report_pages
from respbench.benchmarks.report.source import Source
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.store import Store
from respbench.corpora.facts import CorpusFacts

ACROSS, ADAPTED = "cross-corpus-from-other", "cross-corpus-adapted-from-other"
TWINS = {"planted-mlp": "supervised-mlp"}


def facts(name: str, fingerprint: str) -> CorpusFacts:
    return CorpusFacts(name=name, description=f"clips of {name}", simulated=False, rate=4000, fingerprint=fingerprint)


def across(results: Path, protocol: str, strengths: dict[str, float], seeds: int) -> Path:
    """Make up results of a joined corpus; its contents are not those of the tested corpus itself."""
    store = made_up_results(results, strengths, seeds=seeds, protocol=protocol, twins=TWINS, contents="joined")
    for key in store.fits():
        record = store.record(key)
        assert record is not None
        both = replace(record.corpus, tested=facts("made-up", "tested"), trained_on=facts("other", "elsewhere"))
        change_record(store, key, corpus=both)
    return store.folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """In the corpus, across, and adapted; to be read only."""
    results = tmp_path_factory.mktemp("results")
    inside = {"prior": 0.0, "svm": 1.5, "cnn": 1.0}
    store = made_up_results(results, inside, seeds=3, protocol="patients-5fold", contents="tested")
    plain = across(results, ACROSS, {"prior": 0.0, "svm": 0.5}, seeds=2)
    adapted = across(results, ADAPTED, {"svm": 0.5, "supervised-mlp": 0.3, "planted-mlp": 1.5}, seeds=2)
    return store.folder, plain, adapted


@pytest.mark.parametrize("number", [1, 2])
def test_each_model_is_beside_itself_with_paired_differences(folders, number):
    inside, plain, adapted = (load_results(Store(folder)) for folder in folders)
    found = crossing((inside, plain, adapted)[number], folders[number])
    assert found.models == ["svm", "prior", "planted-mlp", "supervised-mlp"]
    for metric in SHOWN:
        svm, prior, planted, _ = found.rows(metric)
        there = [one.find("svm") for one in (inside, plain, adapted)]
        assert svm[1:4] == [model.estimate(metric) for model in there]
        assert svm[4:] == [model.minus(there[0], metric) for model in there[1:]]
        assert prior[3:] == ["not run", prior[4], None]
        assert planted[1:3] == ["not run", "not run"]
        assert planted[4:] == [None, None]
    assert svm[4].value < 0


def test_what_unlabeled_clips_add_is_measured_on_the_same_folds(folders):
    adapted = load_results(Store(folders[2]))
    found = crossing(load_results(Store(folders[1])), folders[1])
    planted, twin = (adapted.find(name) for name in ("planted-mlp", "supervised-mlp"))
    assert found.gain_rows == [["planted-mlp", "supervised-mlp", *(planted.minus(twin, metric) for metric in SHOWN)]]
    assert found.verdicts["auroc"].better == ("planted-mlp",)


def test_both_folders_show_the_same_tables(folders):
    pages = {}
    for folder in folders[1:]:
        text = report_pages(Source(results=load_results(Store(folder)), folder=folder, figures=()))["crossing.md"]
        pages[folder] = [line for line in text.splitlines() if line.startswith("|")]
        assert "can't be shown" not in text
        assert "## What unlabeled clips of the tested corpus add [TRAINED ON other" in text
        assert "On AUROC, better than without unlabeled clips: `planted-mlp`; worse: none;" in text
    one, other = pages.values()
    assert one == other
    assert len(one) == 3 * (2 + 4) + 2 + 1


def test_other_contents_are_not_set_beside(folders, tmp_path):
    made_up_results(tmp_path, {"svm": 1.0}, protocol="patients-5fold", contents="a part")
    plain = across(tmp_path, ACROSS, {"svm": 0.5}, seeds=1)
    found = crossing(load_results(Store(plain)), plain)
    assert [setting.lacking for setting in found.settings] == [
        "was run on other contents of the corpus",
        "",
        "was not run",
    ]
    assert found.rows("score")[0][1:] == ["not run", found.across.model("svm").estimate("score"), "not run", None, None]


def test_in_one_corpus_there_is_no_such_page(folders):
    assert crossing(load_results(Store(folders[0])), folders[0]) is None
