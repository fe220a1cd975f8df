"""Metrics and reports of a task without a class ``normal``, against scikit-learn and what must not be there."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_results import ACTIVITIES, made_up_results, report_text, written_text
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from respbench.benchmarks.report.evidence import read_report
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.tables import LEADERBOARD_WITHOUT_NORMAL, read_leaderboard
from respbench.benchmarks.statistics.intervals import leave_one_out
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import WITHOUT_NORMAL, Predictions, evaluate, metrics_of
from respbench.benchmarks.statistics.unlearned import unlearned_in
from respbench.benchmarks.storage.store import Store

STRENGTHS = {"prior": 0.0, "metadata": 0.3, "svm": 1.2}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A report on one protocol, beside stored fits of the one that mixes patients."""
    results = tmp_path_factory.mktemp("activities")
    made_up_results(results, STRENGTHS, classes=ACTIVITIES, protocol="random-3fold")
    store = made_up_results(results, STRENGTHS, classes=ACTIVITIES)
    write_report(store)
    return store


def random_predictions(classes: int = 4, patients: int = 6) -> Predictions:
    """Of noise: the last class is of patient 0 alone, fold 1 lacks class 0."""
    rng = np.random.default_rng(3)
    label, patient = rng.integers(classes - 1, size=120), rng.integers(patients, size=120)
    fold = patient % 3
    label[(fold == 1) & (label == 0)] = 1
    label[np.flatnonzero(patient == 0)[:5]] = classes - 1
    p = rng.dirichlet(np.ones(classes), 120)
    p[np.arange(120), label] += 0.3
    return Predictions(label, p / p.sum(axis=1, keepdims=True), patient, fold, ACTIVITIES[:classes])


def areas(p: np.ndarray, label: np.ndarray) -> list[float]:
    """AUROC of each class against the rest, of those that are there."""
    there = [c for c in range(p.shape[1]) if 0 < (label == c).sum() < len(label)]
    return [roc_auc_score(label == c, p[:, c]) for c in there]


def test_metrics_are_those_of_scikit_learn() -> None:
    one = random_predictions()
    found = {name: value[0] for name, value in evaluate(one, np.ones((1, 6))).items()}
    assert found.keys() == WITHOUT_NORMAL.keys() == metrics_of(one.classes).keys()
    assert found["score"] == pytest.approx(balanced_accuracy_score(one.label, one.decision))
    assert found["macro_f1"] == pytest.approx(f1_score(one.label, one.decision, average="macro"))
    by_fold = [areas(one.probabilities[one.fold == k], one.label[one.fold == k]) for k in range(3)]
    assert found["auroc"] == pytest.approx(np.mean([np.mean(each) for each in by_fold]))
    (complete,) = (each for each in by_fold if len(each) == 4)
    assert found["auroc_all_classes"] == pytest.approx(np.mean(complete))


def test_auroc_within_patients_judges_each_class_against_the_rest_of_the_same_patient() -> None:
    one = random_predictions()
    each = []
    for c in range(4):
        right = pairs = 0.0
        for patient in range(6):
            p, own = one.probabilities[one.patient == patient, c], one.label[one.patient == patient] == c
            right += ((p[own][:, None] > p[~own]) + (p[own][:, None] == p[~own]) / 2).sum()
            pairs += own.sum() * (~own).sum()
        each.append(right / pairs)
    assert evaluate(one, np.ones((1, 6)))["auroc_within_patients"][0] == pytest.approx(np.mean(each))


def test_a_class_of_one_patient_keeps_its_value_when_that_patient_is_left_out() -> None:
    one = random_predictions()
    values = evaluate(one, leave_one_out(6))["score"]
    others = one.patient != 0
    recalls = [(one.decision[others & (one.label == c)] == c).mean() for c in range(3)]
    last = (one.decision[one.label == 3] == 3).mean()
    assert values[1] == pytest.approx(np.mean([*recalls, last]))


def test_the_leaderboard_has_the_metrics_of_the_task_and_is_read_back(written: Store) -> None:
    text = (written.folder / "leaderboard.csv").read_text()
    header = text.splitlines()[0].split(",")
    assert {"auroc", "auroc_present", "macro_f1"} < set(header)
    assert not {"sensitivity", "specificity", "auroc_low"} & set(header)
    rows = read_leaderboard(written.folder)
    assert LEADERBOARD_WITHOUT_NORMAL.text(rows.values()) == text
    model = load_results(written).find("svm")
    assert model is not None
    assert rows["svm"]["auroc"].value == pytest.approx(model.value("auroc"))
    assert rows["svm"]["auroc_all_classes"] == pytest.approx(model.value("auroc_all_classes"), abs=1e-6)


def test_pages_about_the_abnormal_are_left_out_with_a_sentence(written: Store) -> None:
    pages = {path.name for path in written.folder.glob("*.md")}
    assert {"README.md", "leakage.md", "metrics.md", "models.md", "comparisons.md", "method.md"} <= pages
    assert not {"calibration.md", "subgroups.md"} & pages
    assert not (written.folder / "figures" / "roc.png").exists()
    text = written_text(written.folder)
    assert "Left out, since no class of this task is `normal`: subgroups, probabilities" in text
    assert "abnormal" not in text.lower()
    assert "coverage was not simulated for such a task" in text
    assert "*LEAKY: score*" in text
    assert "The gap in score goes from" in text
    assert "ROC curves" not in (written.folder / "README.md").read_text()
    assert "intervals of the method" not in text


def test_metrics_of_few_folds_have_no_interval(written: Store) -> None:
    lines = [line.split("|") for line in (written.folder / "metrics.md").read_text().splitlines() if "|" in line]
    column = [cell.strip() for cell in lines[0]].index(WITHOUT_NORMAL["auroc_all_classes"])
    assert re.fullmatch(r"0\.\d{3}", lines[2][column].strip())


def test_what_could_not_be_learned_is_stated_with_the_score_that_is_left(written: Store) -> None:
    found = unlearned_in(load_results(written))
    assert found is not None
    assert found.classes == {ACTIVITIES[0]: (3, ("100",))}
    assert found.ceiling == pytest.approx(0.8)
    assert found.sentence in (written.folder / "README.md").read_text()


def test_people_are_called_as_the_corpus_calls_them(written: Store) -> None:
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|patients-\dfold", "", written_text(written.folder))
    assert "24 subjects" in text
    assert not re.findall(r".*(?:patient|audio|sound).*", text, re.IGNORECASE)
    html = (written.folder / "report.html").read_text()
    assert not re.findall(r"over (?:the )?(?:tested )?patients", html)


def test_one_question_generalizes_alone(written: Store) -> None:
    assert read_report(written.folder, written.folder.parents[2]) is None


def test_a_patient_with_most_clips_is_mentioned_beside_the_intervals(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.2}, seeds=1, classes=ACTIVITIES)
    results = load_results(store)
    text = report_text(results, (), tmp_path)
    assert "alone has" not in text
    (model,) = results.models
    one = replace(model.predictions[0], patient=np.minimum(model.predictions[0].patient, 1))
    crowded = replace(results, models=(replace(model, predictions={0: one}),))
    assert "One subject alone has 96 % of them" in report_text(crowded, (), tmp_path)


def test_results_with_normal_have_nothing_unlearned(tmp_path: Path) -> None:
    assert unlearned_in(load_results(made_up_results(tmp_path, {"svm": 1.0}, seeds=1))) is None
