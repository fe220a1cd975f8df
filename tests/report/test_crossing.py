"""The page about training on another corpus: each setting side by side, and what adaptation and both corpora add."""

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

ACROSS, ADAPTED, BOTH = "cross-corpus-from-other", "cross-corpus-adapted-from-other", "multi-corpus-with-other"
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


@pytest.fixture(scope="module")
def with_both(folders, tmp_path_factory):
    """The same four ways of training, the last on both corpora; to be read only."""
    results = tmp_path_factory.mktemp("with_both") / "made-up" / "abnormal"
    results.mkdir(parents=True)
    for folder in folders:
        (results / folder.name).symlink_to(folder)
    both = across(results.parents[1], BOTH, {"prior": 0.0, "svm": 4.0, "cnn": 1.0, "duration": 0.2}, seeds=2)
    return tuple(results / folder.name for folder in (*folders, both))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_training_on_both_is_a_fourth_way_with_paired_differences(with_both, number):
    inside, plain, adapted, both = (load_results(Store(folder)) for folder in with_both)
    found = crossing((inside, plain, adapted, both)[number], with_both[number])
    assert [setting.title for setting in found.settings] == ["in made-up", "from other", "from other, adapted", "both"]
    assert not any(setting.lacking for setting in found.settings)
    assert {"svm", "cnn", "prior", "duration", "planted-mlp"} <= set(found.models)
    for metric in SHOWN:
        rows = {row[0]: row[1:] for row in found.rows(metric)}
        assert rows["svm"][3] == both.find("svm").estimate(metric)
        assert rows["planted-mlp"][3] == "not run"
        added = found.additions(metric)
        assert list(added) == [name for name in found.models if name in {"svm", "cnn", "prior"}]
        for name, difference in added.items():
            assert difference == both.find(name).minus(inside.find(name), metric)
    assert [row[:2] for row in found.addition_rows] == [[name, 2] for name in found.additions("score")]
    assert found.addition_verdicts["auroc"].better == ("svm",)
    assert "prior" in found.addition_verdicts["auroc"].undecided


def test_every_folder_shows_the_same_tables_with_both(with_both):
    pages = []
    for folder in with_both[1:]:
        pages.append(
            report_pages(Source(results=load_results(Store(folder)), folder=folder, figures=()))["crossing.md"]
        )
        assert "tested by models that were trained in four ways" in pages[-1]
        assert "On AUROC, better with `other`: `svm`; worse: none;" in pages[-1]
    tables = [[line for line in text.splitlines() if line.startswith("|")] for text in pages]
    assert tables[0] == tables[1] == tables[2]
    assert "## Trained on other, tested on made-up [TRAINED ON other]" in pages[0]
    assert "## What other adds to training in made-up [TRAINED ON other]" in pages[0]
    assert "## Trained on made-up and other, tested on made-up [ALSO TRAINED ON other]" in pages[2]
    assert "- Also trained on `other`: clips of other." in pages[2]


def test_on_its_own_the_page_says_what_to_run(tmp_path):
    both = across(tmp_path, BOTH, {"prior": 0.0, "svm": 2.0}, seeds=1)
    results = load_results(Store(both))
    found = crossing(results, both)
    assert [setting.lacking for setting in found.settings] == ["was not run"] * 3 + [""]
    assert found.additions("score") == {}
    assert found.addition_rows == []
    assert found.addition_verdicts == {}
    pages = report_pages(Source(results=results, folder=both, figures=()))
    assert "can't be shown: `patients-5fold` of `made-up`, task `abnormal`, was not run." in pages["crossing.md"]
    assert "adds to training" not in pages["crossing.md"]
    assert "tested, other patients trained on: clips of made-up; also trained on: clips of other" in pages["method.md"]


def test_what_was_trained_on_other_contents_of_both_is_stated(folders, tmp_path):
    plain = across(tmp_path, ACROSS, {"svm": 0.5}, seeds=1)
    made_up_results(tmp_path, {"svm": 1.0}, protocol=BOTH, contents="others")
    found = crossing(load_results(Store(plain)), plain)
    assert found.both.lacking == "was run on other contents of the corpus"


def test_where_several_are_added_the_way_is_called_all(tmp_path):
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1, protocol="multi-corpus-with-a+b", contents="joined")
    for key in store.fits():
        record = store.record(key)
        together = replace(record.corpus, tested=facts("made-up", "tested"), trained_on=facts("a+b", "elsewhere"))
        change_record(store, key, corpus=together)
    assert crossing(load_results(store), store.folder).both.title == "all"


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
