"""Simulated studies whose truth is known, to measure how often an interval holds it.

A study has patients with clips, divided by the splitters of the benchmark. Two classifiers are trained in every fold
and evaluated by the metrics of the benchmark. Clips are Gaussian feature vectors, so that the performance of a trained
classifier on infinitely many new patients can be computed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import softmax
from scipy.stats import norm, qmc, rankdata

from respbench.benchmarks.statistics.metrics import Floats, Ints, Predictions, evaluate
from respbench.corpora.clips import Clips
from respbench.corpora.cycles import NORMAL
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Fold, Splitter
from respbench.corpora.splits.label_budget import LabelBudget
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut

MEASURED = ("auroc", "score", "auroc_within_patients")
FOLDS = 5

DIVISIONS: dict[str, Splitter] = {"patients": LeavePatientsOut(FOLDS), "draws": LabelBudget(10, FOLDS)}
"""How each repeat divides the patients: all training patients keep their labels, or a drawn tenth of them."""

CLIPS = 25
"""Mean number of clips per patient; negative binomial with a coefficient of variation of 0.7."""

SPREAD = 0.7
"""Standard deviation of the patients' means, relative to that of the clips of one patient."""

SLOPES = 0.5
"""Standard deviation over patients of the distance between their abnormal and normal clips, relative to its mean."""

RIDGE = 0.1
"""Added to the variances of the features in training."""

RESTART = 0.3
"""Length of the random vector added to a classifier's weights, as of a network's initialization, relative to theirs."""

NEW_PATIENTS = 256
"""On whom a trained classifier is evaluated; quasi-random, so that few are enough."""

RESAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What studies have in common.

    Attributes:
        patients: number of them.
        effect: distance of abnormal from normal clips, in standard deviations of the clips of one patient.
        classes: 2 or 4.
        dominant: share of the clips that one patient has; 0 = there is no such patient.
        prevalence: beta distribution of a patient's share of abnormal clips; by default, most have one kind mainly.
        features: length of the vectors; at most ten of them are informative.
        equal: whether the two classifiers get equally informative features; else the second gets half of the first's.
        repeats: how often the patients are divided and the classifiers trained.
    """

    patients: int = 84
    effect: float = 1.4
    classes: int = 2
    dominant: float = 0.0
    prevalence: tuple[float, float] = (0.5, 1.0)
    features: int = 20
    equal: bool = False
    repeats: int = 3

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes."""
        return (NORMAL, *(f"abnormal {number}" for number in range(1, self.classes)))

    @property
    def means(self) -> Floats:
        """(classes, features) of clips of the average patient; abnormal classes differ from normal in part alike."""
        means = np.zeros((self.classes, self.features))
        means[1:, :4] = 1
        for kind in range(1, self.classes if self.classes > 2 else 0):
            means[kind, 2 + 2 * kind : 4 + 2 * kind] = 1
        scaled: Floats = self.effect * means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1)
        return scaled

    @property
    def inputs(self) -> tuple[slice, slice]:
        """The features that each of the two classifiers gets."""
        return slice(0, None, 2) if self.equal else slice(None), slice(1, None, 2)


@dataclass(frozen=True)
class Layout:
    """Who has how many clips of which class, and the folds of each repeat by division.

    Several studies share a layout, since balancing the folds takes ten times longer than all else.
    """

    clips: Clips
    owner: Ints
    folds: dict[str, list[list[Fold]]]


@dataclass(frozen=True)
class Studies:
    """What studies of one layout found, and the truth.

    Attributes:
        values: (studies, divisions, 2 classifiers, metrics, repeats, rows), one row per row of the weights.
        truths: (studies, divisions, 2 classifiers, metrics, repeats): mean over the folds of what the trained
            classifiers reach on new patients.
        resampled: (divisions, 2 classifiers, metrics, repeats, `RESAMPLES`) of the first study, for bootstrap
            intervals.
    """

    values: Floats
    truths: Floats
    resampled: Floats


def simulate(scenario: Scenario, weights: Floats, studies: int, rng: np.random.Generator) -> Studies:
    """Draw a layout, and studies with it.

    Args:
        scenario: of the studies.
        weights: (rows, patients) by which every metric is computed.
        studies: number of them.
        rng: draws everything.
    """
    layout, future = draw_layout(scenario, rng), NewPatients(scenario, rng)
    found = [_study(scenario, layout, future, rng) for _ in range(studies)]
    draws = rng.multinomial(scenario.patients, np.full(scenario.patients, 1 / scenario.patients), size=RESAMPLES)
    return Studies(
        values=np.stack([_evaluate(predictions, weights) for predictions, _ in found]),
        truths=np.stack([truths for _, truths in found]),
        resampled=_evaluate(found[0][0], draws.astype(np.float64)),
    )


def draw_layout(scenario: Scenario, rng: np.random.Generator) -> Layout:
    """Draw the patients, their clips and the folds; again, where a splitter refuses the patients."""
    n, kinds = scenario.patients, scenario.classes - 1
    while True:
        counts = np.maximum(2, rng.negative_binomial(2, 2 / (2 + CLIPS), n))
        if scenario.dominant:
            counts[0] = round(counts[1:].sum() * scenario.dominant / (1 - scenario.dominant))
        owner = np.repeat(np.arange(n), counts)
        abnormal = rng.random(len(owner)) < rng.beta(*scenario.prevalence, n)[owner]
        steps = rng.dirichlet(np.ones(kinds), n).cumsum(axis=1)[owner, :-1]
        kind = 1 + (rng.random(len(owner))[:, None] > steps).sum(axis=1)
        clips = Clips(
            signals=[np.zeros((1, 1), dtype=np.float32)] * len(owner),
            rate=1,
            label=(abnormal * kind).astype(np.int64),
            patient=np.char.mod("%03d", owner),
            clip_id=np.char.mod("%d", np.arange(len(owner))),
            classes=scenario.names,
            meta=pd.DataFrame(index=range(len(owner))),
        )
        try:
            folds = {
                name: [list(splitter.split(clips, repeat)) for repeat in range(scenario.repeats)]
                for name, splitter in DIVISIONS.items()
            }
        except InputError:
            continue
        return Layout(clips, owner, folds)


class NewPatients:
    """Infinitely many patients like those of a scenario, each with a clip of every class, in place of the real ones.

    A linear classifier meets only projections of their effects and clips on its weights, which are Gaussian.
    """

    def __init__(self, scenario: Scenario, rng: np.random.Generator) -> None:
        k = scenario.classes - 1
        points = norm.ppf(qmc.Sobol(3 * k + 1, rng=rng).random(NEW_PATIENTS))
        self.effects, self.normal, self.abnormal, slopes = np.split(points, [k, 2 * k, 3 * k], axis=1)
        self.slopes = 1 + SLOPES * slopes
        a, b = scenario.prevalence
        self.shares = np.array([b, *[a / k] * k]) / (a + b)

    def truths(self, weights: Floats, offsets: Floats, means: Floats) -> Floats:
        """(fits, metrics): what trained classifiers reach, `MEASURED`.

        Args:
            weights: (fits, features, classes - 1) of the logits beside the first class.
            offsets: (fits, classes - 1).
            means: (classes, features) of the average patient.
        """
        scale = np.linalg.cholesky(weights.swapaxes(1, 2) @ weights).swapaxes(1, 2)
        normal, abnormal = ((SPREAD * self.effects + clips) @ scale for clips in (self.normal, self.abnormal))
        shift = (means[1:] @ weights)[:, :, None]
        logits = np.concatenate([normal[:, None], abnormal[:, None] + self.slopes * shift], axis=1)
        p = probabilities(logits + offsets[:, None, None])  # (fits, true class, patients, classes)
        right = (p.argmax(axis=3) == np.arange(p.shape[1])[:, None]).mean(axis=2)
        score = (right[:, 0] + right[:, 1:].mean(axis=1)) / 2
        within = (p[:, 1:, :, 0] < p[:, :1, :, 0]).mean(axis=(1, 2))
        return np.stack([self._auroc(p), score, within], axis=1)

    def _auroc(self, p: Floats) -> Floats:
        """(fits,) each class against the rest, of which every class has its share; averaged over the classes."""
        found = []
        for one in range(len(self.shares)):
            others = np.delete(np.arange(len(self.shares)), one)
            against = [_above(p[:, one, :, one], p[:, other, :, one]) for other in others]
            found.append(np.average(against, axis=0, weights=self.shares[others]))
        mean: Floats = np.mean(found, axis=0)
        return mean


def _above(one: Floats, other: Floats) -> Floats:
    """(fits,) probability that a number of ``one`` (fits, n) is above one of ``other`` (fits, n)."""
    n = one.shape[1]
    ranks = rankdata(np.concatenate([one, other], axis=1), axis=1)[:, :n]
    share: Floats = (ranks.mean(axis=1) - (n + 1) / 2) / n
    return share


def train(x: Floats, label: Ints, classes: int) -> tuple[Floats, Floats]:
    """Fit a linear discriminant of equally frequent classes.

    Returns:
        Weights (features, classes - 1) and offsets (classes - 1,) of the logits beside the first class.
    """
    means = np.stack([x[label == number].mean(axis=0) for number in range(classes)])
    rest = x - means[label]
    weights = np.linalg.solve(rest.T @ rest / len(x) + RIDGE * np.eye(x.shape[1]), (means[1:] - means[0]).T)
    return weights, -((means[1:] + means[0]) / 2 * weights.T).sum(axis=1)


def probabilities(logits: Floats) -> Floats:
    """(…, classes) from logits (…, classes - 1) beside the first class."""
    found: Floats = softmax(np.concatenate([np.zeros((*logits.shape[:-1], 1)), logits], axis=-1), axis=-1)
    return found


def _study(
    scenario: Scenario, layout: Layout, future: NewPatients, rng: np.random.Generator
) -> tuple[list[list[Predictions]], Floats]:
    """Draw the clips of a study, train and predict in every fold.

    Returns:
        Predictions by division and classifier, then repeat; and the truths, see `Studies`.
    """
    label, means = layout.clips.label, scenario.means
    effects = SPREAD * rng.normal(size=(scenario.patients, scenario.features))
    slopes = 1 + SLOPES * rng.normal(size=scenario.patients)
    x = effects[layout.owner] + slopes[layout.owner, None] * means[label]
    x += rng.normal(size=x.shape)
    predictions, truths = [], []
    for repeats in layout.folds.values():
        for columns in scenario.inputs:
            fitted = [_repeat(layout, folds, x[:, columns], rng) for folds in repeats]
            tested, weights, offsets = zip(*fitted, strict=True)
            predictions.append(list(tested))
            reached = future.truths(np.concatenate(weights), np.concatenate(offsets), means[:, columns])
            truths.append(reached.reshape(scenario.repeats, -1, len(MEASURED)).mean(axis=1).T)
    return predictions, np.reshape(truths, (len(DIVISIONS), 2, len(MEASURED), scenario.repeats))


def _repeat(
    layout: Layout, folds: list[Fold], x: Floats, rng: np.random.Generator
) -> tuple[Predictions, Floats, Floats]:
    """Train in every fold and predict its test clips; returns also the weights and offsets of each fold."""
    label, names = layout.clips.label, layout.clips.classes
    p, number = np.zeros((len(label), len(names))), np.zeros_like(label)
    every_weights, every_offsets = [], []
    for fold, rows in enumerate(folds):
        weights, offsets = train(x[rows.train], label[rows.train], len(names))
        start = rng.normal(size=weights.shape) / np.sqrt(len(weights))
        weights = weights + RESTART * np.linalg.norm(weights, axis=0) * start
        p[rows.test], number[rows.test] = probabilities(x[rows.test] @ weights + offsets), fold
        every_weights.append(weights)
        every_offsets.append(offsets)
    return Predictions(label, p, layout.owner, number, names), np.stack(every_weights), np.stack(every_offsets)


def _evaluate(predictions: list[list[Predictions]], weights: Floats) -> Floats:
    """(divisions, 2 classifiers, metrics, repeats, rows)."""
    found = [[evaluate(one, weights) for one in repeats] for repeats in predictions]
    values = np.array([[[one[metric] for one in repeats] for metric in MEASURED] for repeats in found])
    return values.reshape(len(DIVISIONS), 2, *values.shape[1:])
