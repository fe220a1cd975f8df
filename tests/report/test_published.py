"""`docs/published.md`: published figures with their sources, and when results beside them are called comparable."""

from pathlib import Path

import pytest
from made_up_results import ACTIVITIES, change_record, made_up_results

from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.published import DATA, RESULTS, groups_of, page_of, published_page
from respbench.benchmarks.report.published_data import ROUNDING, Published, read_published
from respbench.benchmarks.report.tables import LEADERBOARD
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.status import Completion, Status
from respbench.corpora.problems import InputError

ONE = """
on_epochs = "a remark"
[sources]
paper = "the paper"
[splits.official]
title = "made up, official"
corpus = "made-up"
protocols = ["official", "patients-3fold"]
train = 100
test = 192
patients_apart = "no"
note = "a patient is in both parts"
[[methods]]
name = "a | model"
year = 2020
venue = "a journal"
epoch_on_test = "yes"
evidence = "its train.py"
[[methods.figures]]
split = "official"
task = "abnormal"
specificity = 70.0
sensitivity = 60.0
score = 65.0
deviation = 0.5
verified = "authors"
seen = "paper"
"""


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "published.toml").write_text(text, encoding="utf-8")
    return tmp_path / "published.toml"


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return read_published(written(tmp_path, ONE))


def test_the_committed_page_is_what_file_and_results_give() -> None:
    page = page_of(RESULTS)
    assert page.parent == DATA.parent
    text = page.read_text(encoding="utf-8")
    assert text == published_page(read_published(DATA), RESULTS, page), "run `make tables`"


def test_every_figure_of_the_committed_file_is_shown_once_with_its_numbers() -> None:
    published = read_published(DATA)
    groups = groups_of(published, Path("none"), Path("none.md"))
    shown = [(method.name, figure) for group in groups for method, figure in group.entries]
    assert sorted(map(repr, shown)) == sorted(repr((m.name, f)) for m in published.methods for f in m.figures)
    (cnn6,) = [r for r in groups[0].rows if r[0] == "CNN6, SCL (Moummad & Farrugia)"]
    assert cnn6[2:5] == ["75.95", "39.15", "57.55 ± 0.81"]


@pytest.mark.parametrize(
    ("find", "put", "expected"),
    [
        ("score = 65.0", "score = 165.0", "<= 100"),
        ("score = 65.0", f"score = {65.1 + ROUNDING}", "off the mean"),
        ("score = 65.0", 'score = 65.0\nodd = "no reason"', "off the mean"),
        ("score = 65.0", "", "score"),
        ('verified = "authors"', 'verified = "surely"', "surely"),
        ('epoch_on_test = "yes"', 'epoch_on_test = "maybe"', "maybe"),
        ('evidence = "its train.py"', "", "no evidence"),
        ('task = "abnormal"', 'task = "cough"', "cough"),
        ('split = "official"', 'split = "random"', "no split"),
        ('seen = "paper"', 'seen = "hearsay"', "no source"),
        ('seen = "paper"', "", "seen"),
        ("deviation = 0.5", "sd = 0.5", "sd"),
        ("deviation = 0.5", "from_four_classes = true", "another specificity"),
        ("[splits.official]", 'talk = "a talk"\n[splits.official]', "no figure"),
        ("[[methods.figures]]", "[[methods.figures", "can't be read"),
        ('seen = "paper"', 'seen = "paper"\n' + ONE[ONE.index("[[methods.figures") :], "twice"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, find: str, put: str, expected: str) -> None:
    path = written(tmp_path, ONE.replace(find, put))
    with pytest.raises(InputError, match=rf"{path}.*{expected}.*correct that entry"):
        read_published(path)


def results_beside(results: Path, train_clips: int, protocol: str = "official") -> None:
    """Made-up fits and the part of a leaderboard that the page shows."""
    store = made_up_results(results, {"prior": 0.0, "svm": 1.0}, seeds=1, protocol=protocol)
    for key in store.fits():
        change_record(store, key, train_clips=train_clips, valid_clips=20)
    half = Estimate(0.5, 0.5, 0.5)
    estimates = {"prior": half, "svm": Estimate(0.625, 0.5, 0.7)}
    rows = [
        {"model": model, "score": value, "sensitivity": value, "specificity": value, "repeats": 1}
        | {"status": Status(Completion.COMPLETE), "warning": ""}
        for model, value in estimates.items()
    ]
    LEADERBOARD.write(store.folder, rows)


def test_results_on_the_whole_database_are_comparable(tmp_path: Path, published: Published) -> None:
    results_beside(tmp_path, train_clips=80)
    page = published_page(published, tmp_path, tmp_path / "published.md")
    assert "Ours, comparable: the whole database (100 training and 192 test clips)" in page
    assert "NOT comparable" not in page
    assert "| svm     |         1 | 62.5 [50.0, 70.0] | 62.5 [50.0, 70.0] | 62.5 [50.0, 70.0] |" in page
    assert "± 10.0 points for abnormal" in page, "half of the interval of the model that is no control"
    assert "(made-up/abnormal/official/README.md)" in page
    assert "a \\| model" in page


def test_results_on_a_part_are_not(tmp_path: Path, published: Published) -> None:
    results_beside(tmp_path, train_clips=60)
    page = published_page(published, tmp_path, tmp_path / "published.md")
    assert "NOT comparable: 80 training and 192 test clips, a part of the 100 and 192" in page
    assert "Ours, comparable" not in page


def test_other_folds_are_not(tmp_path: Path, published: Published) -> None:
    results_beside(tmp_path, train_clips=80, protocol="patients-3fold")
    page = published_page(published, tmp_path, tmp_path / "published.md")
    assert "NOT comparable: other folds, those of `patients-3fold`" in page
    assert "Ours, comparable" not in page
    assert "intervals over 24 patients" in page, "those of all folds"


def test_without_results_the_page_says_so(tmp_path: Path, published: Published) -> None:
    page = published_page(published, tmp_path, tmp_path / "published.md")
    assert "Ours: no results in `made-up/abnormal/official`." in page
    assert "once there are results of the split `official`" in page


def test_accuracies_of_a_task_without_normal_have_our_accuracies_beside_them(tmp_path: Path) -> None:
    text = ONE.replace('task = "abnormal"', 'task = "activity"').replace("score = 65.0", "accuracy = 65.0")
    text = text.replace("specificity = 70.0\nsensitivity = 60.0\n", "")
    published = read_published(written(tmp_path, text))
    store = made_up_results(tmp_path / "results", {"prior": 0.0, "svm": 1.2}, seeds=1, classes=ACTIVITIES)
    write_report(store, draw=False)
    page = published_page(published, tmp_path / "results", tmp_path / "published.md")
    assert "Published, by accuracy" in page
    assert "| model   |   repeats |" in page
    assert "accuracy |" in page.partition("Ours, NOT comparable")[2]
    assert "intervals over 24 subjects" in page
    for both in ("score = 65.0\naccuracy = 65.0", ""):
        with pytest.raises(InputError, match="either a score or an accuracy"):
            read_published(written(tmp_path, text.replace("accuracy = 65.0", both)))
