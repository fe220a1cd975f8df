"""The exercises of pages 7 and 11: what predictions and tables show, computed from the committed results."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import Predictions, evaluate_leading
from respbench.benchmarks.statistics.pairwise import Pairwise
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.store import Store
from respbench.practical.answers import Answer, Wrong, close
from respbench.practical.setting import Setting, results

REPORT = "icbhi/abnormal/patients-5fold"
LEAKY = "icbhi/abnormal/random-5fold"
FEW_LABELS = "icbhi/abnormal/patients-5fold-labels10"

MODEL = "cnn"
"""Whose predictions exercises 7a and 7b are about, those of repeat 0."""

EQUAL = 0.02
"""AUROC within which two models may be called equal."""

DRAWS = 2000


@lru_cache(maxsize=3)
def loaded(place: str) -> Results:
    """A committed report, evaluated by score and AUROC."""
    return load_results(Store(results(place)), evaluate_leading)


def model_of(place: str, name: str) -> ModelResults:
    """A complete model of a committed report.

    Raises:
        Wrong: there is none of that name.
    """
    model = loaded(place).find(name)
    if model is None:
        raise Wrong(f"{place} has no complete model {name!r}")
    return model


@lru_cache(maxsize=1)
def predictions() -> Predictions:
    """The out-of-fold predictions of exercises 7a and 7b."""
    store = Store(results(REPORT))
    tables = [store.read(key).predictions for key in store.fits() if key.model == MODEL and key.seed == 0]
    table = pd.concat(tables, ignore_index=True)
    classes = ("normal", "abnormal")
    return Predictions(
        label=np.array([classes.index(name) for name in table["label"]], dtype=np.int64),
        probabilities=table[list(classes)].to_numpy(np.float64),
        patient=np.unique(table["patient"].to_numpy(np.str_), return_inverse=True)[1],
        fold=np.repeat(np.arange(len(tables)), [len(one) for one in tables]),
        classes=classes,
    )


def rates(answer: Answer, setting: Setting) -> str:
    """7a: sensitivity and specificity."""
    given = answer.numbers("sensitivity", "specificity")
    found = predictions()
    right = tuple(float((found.decision == c)[found.label == c].mean()) for c in (1, 0))
    if all(close(one, other, 0.0006) for one, other in zip(given, right, strict=True)):
        return f"over {len(found.label)} clips"
    if all(close(one, other, 0.0006) for one, other in zip(given[::-1], right, strict=True)):
        raise Wrong("the two are exchanged: sensitivity is the share of the abnormal clips that is called abnormal")
    precision = float(found.label[found.decision == 1].mean())
    if close(given[0], precision, 0.0006):
        raise Wrong(f"{given[0]:.3f} is the precision: of the clips called abnormal, the share that is abnormal")
    wrong = [
        name
        for name, one, other in zip(("sensitivity", "specificity"), given, right, strict=True)
        if not close(one, other, 0.0006)
    ]
    raise Wrong(f"wrong, to three decimals: {' and '.join(wrong)}")


def patient_interval(answer: Answer, setting: Setting) -> str:
    """7b: the percentile bootstrap interval of the accuracy, over patients."""
    low, high = answer.numbers("lower end", "upper end")
    found = predictions()
    correct = (found.decision == found.label).astype(np.float64)
    by_patient = percentiles(correct, found.patient)
    by_clip = percentiles(correct, np.arange(len(correct)))
    tolerance = 0.15 * float(by_patient[1] - by_patient[0])
    if all(close(one, other, tolerance) for one, other in zip((low, high), by_patient, strict=True)):
        return f"within the noise of {DRAWS} draws of patients"
    if all(close(one, other, tolerance) for one, other in zip((low, high), by_clip, strict=True)):
        raise Wrong("this interval draws clips; clips of one patient are alike, so that patients must be drawn")
    raise Wrong(
        f"[{low:g}, {high:g}] is not that interval: {DRAWS} times, draw as many patients as there are, with all their "
        "clips"
    )


def percentiles(correct: NDArray[np.float64], owner: NDArray[np.int64]) -> tuple[float, float]:
    """The 95 % percentile interval of the share correct, with owners drawn with replacement."""
    rng = np.random.default_rng(7)
    right, count = np.bincount(owner, correct), np.bincount(owner).astype(np.float64)
    drawn = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=DRAWS)
    low, high = np.percentile((drawn @ right) / (drawn @ count), [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class Claim:
    """A sentence about the committed tables.

    Attributes:
        text: the sentence.
        evidence: what the tables hold about it, and whether that supports it.
    """

    text: str
    evidence: Callable[[], tuple[bool, str]]


def _above_chance(name: str) -> tuple[bool, str]:
    estimate = model_of(REPORT, name).estimate("auroc")
    assert estimate is not None
    return estimate.low > 0.5, f"its AUROC is {estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _higher(one: str, other: str, place: str = REPORT) -> tuple[bool, str]:
    gain = model_of(place, one).minus(model_of(place, other), "auroc")
    return gain.low > 0, f"the difference is {_signed(gain)}"


def _equal(one: str, other: str) -> tuple[bool, str]:
    gain = model_of(REPORT, one).minus(model_of(REPORT, other), "auroc")
    return gain.low > -EQUAL and gain.high < EQUAL, f"the difference may be anything in {_signed(gain)}"


def _none_shown(one: str, other: str) -> tuple[bool, str]:
    gain = model_of(REPORT, one).minus(model_of(REPORT, other), "auroc")
    return not gain.excludes_zero, f"the intervals overlap, and yet the paired difference is {_signed(gain)}"


def _best_of_all(name: str) -> tuple[bool, str]:
    pairs = Pairwise.of(loaded(REPORT), "auroc")
    equal = pairs.not_separated(name)
    return not equal, f"adjusted for {pairs.family} pairs, it is not separated from {len(equal)} models"


def _holds_for_new_patients(name: str) -> tuple[bool, str]:
    leaky, own = model_of(LEAKY, name).value("auroc"), model_of(REPORT, name).value("auroc")
    disjoint = loaded(LEAKY).patient_disjoint
    return disjoint, f"{leaky:.2f} was measured on patients it was trained on; on new ones it is {own:.2f}"


def _lower(one: str, other: str) -> tuple[bool, str]:
    gain = model_of(FEW_LABELS, one).minus(model_of(FEW_LABELS, other), "auroc")
    return gain.high < 0, f"the difference is {_signed(gain)}"


def _one_fold(one: str, other: str) -> tuple[bool, str]:
    """The fold in which a model leads most shows nothing that all folds don't."""
    supported, evidence = _higher(one, other)
    return supported, f"over all folds and repeats {evidence}"


CLAIMS = {
    "1": Claim("`svm` ranks the cycles of new patients better than chance.", lambda: _above_chance("svm")),
    "2": Claim(
        "`svm-adventitious` has a higher AUROC than `cnn` (one pair, chosen before looking).",
        lambda: _higher("svm-adventitious", "cnn"),
    ),
    "3": Claim(
        "The intervals of `svm-adventitious` and `svm` overlap, so no difference of their AUROC is shown.",
        lambda: _none_shown("svm-adventitious", "svm"),
    ),
    "4": Claim(
        f"`cnn-gru` and `cnn` are equally good: their AUROC differs by less than {EQUAL}.",
        lambda: _equal("cnn-gru", "cnn"),
    ),
    "5": Claim(
        "`ensemble-planted` has the highest AUROC of the table, so it is better than every other model.",
        lambda: _best_of_all("ensemble-planted"),
    ),
    "6": Claim(
        "The AUROC of `svm` with mixed patients is what a new patient can expect.",
        lambda: _holds_for_new_patients("svm"),
    ),
    "7": Claim(
        "With 10 % of the labels, the Π-model harms `cnn`: `pi-model-cnn` has a lower AUROC than its twin.",
        lambda: _lower("pi-model-cnn", "supervised-cnn"),
    ),
    "8": Claim(
        "`cnn-gru` was ahead of `cnn` in one fold, so it ranks new patients better.",
        lambda: _one_fold("cnn-gru", "cnn"),
    ),
}
"""The claims of exercise 11a; whether each is supported is computed, not stated."""


def claims(answer: Answer, setting: Setting) -> str:
    """11a: claim, supported (yes or no)."""
    table = answer.table(("claim", "supported"))
    given = {str(row.claim).strip(): str(row.supported).strip().lower() for row in table.itertuples()}
    absent = [number for number in CLAIMS if number not in given]
    if absent or len(table) != len(CLAIMS):
        raise Wrong(f"the claims are {', '.join(CLAIMS)}, each once" + (f"; {absent[0]} is absent" if absent else ""))
    for number, claim in CLAIMS.items():
        if given[number] not in ("yes", "no"):
            raise Wrong(f"claim {number} has {given[number]!r}; answer yes or no")
        supported, evidence = claim.evidence()
        if (given[number] == "yes") != supported:
            raise Wrong(f"claim {number} is {'' if supported else 'not '}supported: {evidence}")
    return f"{len(CLAIMS)} claims"


MINUS = "\N{MINUS SIGN}"
NUMBER = rf"([+\-{MINUS}]?\d\.\d+)"
INTERVAL = rf"{NUMBER} \[{NUMBER}, {NUMBER}\]"
QUOTE = re.compile(rf"(?<!minus )`([\w.-]+)` (AUROC|score) {INTERVAL}")
DIFFERENCE = re.compile(rf"`([\w.-]+)` minus `([\w.-]+)` (AUROC|score) {INTERVAL}")
HEDGES = ("not shown", "not separated", "cannot tell", "can't tell", "no difference is shown", "may be 0", "undecided")
"""One of these must be in a sentence whose interval includes 0, and none in one whose doesn't."""


def reflection(answer: Answer, setting: Setting) -> str:
    """11b: a text whose quoted numbers are those of the report, and whose verdicts follow from them."""
    text = " ".join(answer.text(".md").split())
    quotes, differences = list(QUOTE.finditer(text)), list(DIFFERENCE.finditer(text))
    if len(quotes) < 2 or not differences:
        raise Wrong(
            f"it quotes {len(quotes)} values and {len(differences)} differences; quote two or more values as `svm` "
            "AUROC 0.70 [0.60, 0.80], and one or more differences as `svm` minus `cnn` AUROC +0.10 [+0.01, +0.19]"
        )
    for match in quotes:
        estimate = model_of(REPORT, match[1]).estimate(_metric(match[2]))
        assert estimate is not None
        _same(match[0], match.groups()[2:], estimate)
    for match, sentence in zip(differences, _sentences(text, differences), strict=True):
        gain = model_of(REPORT, match[1]).minus(model_of(REPORT, match[2]), _metric(match[3]))
        _same(match[0], match.groups()[3:], gain)
        hedged = any(hedge in sentence.lower() for hedge in HEDGES)
        if hedged == gain.excludes_zero:
            needed = (
                "excludes 0, and yet the sentence says that" if hedged else "includes 0, so the sentence must say that"
            )
            raise Wrong(f"{match[0]} {needed} the difference is not shown")
    return f"{len(quotes)} values and {len(differences)} differences are those of the report"


def _metric(name: str) -> str:
    return {"AUROC": "auroc", "score": "score"}[name]


def _sentences(text: str, matches: list[re.Match[str]]) -> Iterator[str]:
    """The sentence around each match; a sentence ends with a period before a blank."""
    for match in matches:
        begin = max(text.rfind(". ", 0, match.start()) + 1, 0)
        end = text.find(". ", match.end())
        yield text[begin : end if end >= 0 else len(text)]


def _same(quoted: str, numbers: tuple[str, ...], right: Estimate) -> None:
    for given, value in zip(numbers, (right.value, right.low, right.high), strict=True):
        decimals = len(given.partition(".")[2])
        if not close(float(given.replace(MINUS, "-")), value, 0.51 * 10**-decimals):
            raise Wrong(f"the report has {right.value:.3f} [{right.low:.3f}, {right.high:.3f}] for {quoted!r}")


def _signed(gain: Difference) -> str:
    return f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
