"""Multiple-instance learning: a clip is a bag of half-second windows, abnormal if some of them are.

Hospitals cut their clips differently: SPRSound's events tightly around the sound, ICBHI's cycles with what surrounds
it. Windows of one length take duration and context out of the model. A clip's score is the logarithm of the mean
exponential of its windows' scores, which lies between their mean and their maximum (Ramon & De Raedt 2000, Multi
instance neural networks, ICML workshop). A window's score is linear in Nyström features (Williams & Seeger 2001, NIPS
13) of the mean of one kernel per family of columns, as in `models.svm_adventitious`.

Two things for hospitals that were not trained on. Simulated clips are trained on beside the labeled ones: in them,
abnormal breathing differs by its sounds alone. And columns are centered per domain: labeled, simulated and unlabeled
clips have medians of their own, which the rarer abnormal windows hardly move. Tested clips are centered as the
unlabeled ones, if there are any; scales are those of the labeled ones.
"""

from itertools import pairwise
from typing import Any, Self

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, softmax
from sklearn.metrics.pairwise import rbf_kernel

from respbench.corpora import catalog
from respbench.corpora.clips import Clips
from respbench.corpora.cycles import FOUR_CLASSES, TWO_CLASSES
from respbench.corpora.prepared.prepare import prepare_clips
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.tasks import for_task
from respbench.features.adventitious import Adventitious
from respbench.features.cache import cached
from respbench.features.handcrafted import Handcrafted
from respbench.features.windows import windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FAMILIES = ("continuous", "discontinuous", "colour", "whitened")
"""Of `features.adventitious`; the rhythm of breathing needs longer than a window."""

MFCC_WEIGHT = 2.0
"""Of the kernel of MFCC statistics, where the families have 1: as in `models.svm_adventitious`."""

SIMULATED_TASKS = {TWO_CLASSES: "abnormal", FOUR_CLASSES: "four-class"}
"""Tasks, by their classes, that the simulated corpus is labeled for."""

NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution whose standard deviation is 1."""

CHUNK = 4096
"""Windows compared with the landmarks at a time, so that memory stays bounded."""


class Bags:
    """The windows of clips, one after the other.

    Args:
        clips: of one domain, in one or more tables.

    Attributes:
        columns: (windows, columns).
        count: (clips,) windows of each clip.
    """

    def __init__(self, *clips: Clips) -> None:
        mfcc = Handcrafted(("mfcc",), ("mean", "std"), differences=0, n_mfcc=20, n_mels=20, n_fft=128, hop=32)
        columns, counts = [], []
        for part in clips:
            parts = [cached(windows(extractor), part) for extractor in (Adventitious(FAMILIES), mfcc)]
            table = np.concatenate(parts, axis=2)
            there = ~np.isnan(table[:, :, 0])
            columns.append(table[there])
            counts.append(there.sum(axis=1))
        self.columns: Floats = np.concatenate(columns).astype(np.float64)
        self.count: Ints = np.concatenate(counts)


def pooled(score: Floats, count: Ints) -> tuple[Floats, Floats]:
    """Pool the scores of windows per clip.

    Args:
        score: (windows,).
        count: (clips,) windows of each clip.

    Returns:
        (clips,) logarithm of the mean exponential, and (windows,) its derivative.
    """
    start = count.cumsum() - count
    highest = np.maximum.reduceat(score, start)
    power = np.exp(score - np.repeat(highest, count))
    total = np.add.reduceat(power, start)
    return highest + np.log(total / count), power / np.repeat(total, count)


class NystromMap:
    """Features whose inner products approximate the weighted mean of one RBF kernel per family of columns.

    Args:
        landmarks: (landmarks, columns) what others are compared with.
    """

    def __init__(self, landmarks: Floats) -> None:
        widths = [len(Adventitious((family,)).columns) for family in FAMILIES]
        edges = [0, *np.cumsum(widths).tolist(), landmarks.shape[1]]
        self.families = [slice(*pair) for pair in pairwise(edges)]
        self.weights = np.array([1.0] * len(FAMILIES) + [MFCC_WEIGHT]) / (len(FAMILIES) + MFCC_WEIGHT)
        self.landmarks = landmarks
        values, vectors = np.linalg.eigh(self._kernel(landmarks))
        kept = values > 1e-6 * values[-1]
        self.whitening: Floats = vectors[:, kept] / np.sqrt(values[kept])

    def __call__(self, columns: Floats) -> Floats:
        """(windows, columns) to (windows, features)."""
        parts = (columns[begin : begin + CHUNK] for begin in range(0, len(columns), CHUNK))
        return np.concatenate([self._kernel(part) @ self.whitening for part in parts])

    def _kernel(self, columns: Floats) -> Floats:
        kernel = np.zeros((len(columns), len(self.landmarks)))
        for own, weight in zip(self.families, self.weights, strict=True):
            kernel += weight * rbf_kernel(columns[:, own], self.landmarks[:, own], gamma=1 / (own.stop - own.start))
        return kernel


def fit_bags(features: Floats, count: Ints, positive: NDArray[np.bool_], share: Floats, penalty: float) -> Floats:
    """Logistic regression of the clips' pooled scores, both classes of equal weight.

    Args:
        features: (windows, features).
        count: (clips,) windows of each clip.
        positive: (clips,).
        share: (clips,) weight of each clip within its class.
        penalty: of half the squared weights; the losses' weights sum to 1.

    Returns:
        (features + 1,) weights, then the intercept.
    """
    sign = np.where(positive, 1.0, -1.0)
    weight = share / np.where(positive, max(share[positive].sum(), 1e-12), max(share[~positive].sum(), 1e-12)) / 2

    def loss(solution: Floats) -> tuple[float, Floats]:
        score, slope = pooled(features @ solution[:-1] + solution[-1], count)
        margin = sign * score
        pull = np.repeat(-weight * sign * expit(-margin), count) * slope
        gradient = np.append(pull @ features + penalty * solution[:-1], pull.sum())
        value = weight @ np.logaddexp(0, -margin) + penalty / 2 * (solution[:-1] @ solution[:-1])
        return float(value), gradient

    start = np.zeros(features.shape[1] + 1)
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150}).x
    return found


def simulated_clips(classes: tuple[str, ...], rate: int, patients: int) -> Clips | None:
    """The simulated corpus, prepared in the cache and labeled for a task; None if it has no labels for these classes.

    Args:
        classes: of the task.
        rate: Hz.
        patients: how many, with five clips each; 0 = None.
    """
    if classes not in SIMULATED_TASKS or not patients:
        return None
    parameters = Simulation(patients=patients, clips_per_patient=5)
    prepared = prepare_clips(
        lambda: simulate(parameters, rate),
        "simulated",
        rate,
        f"{parameters!r} {rate}",
        "respbench.corpora.simulated.simulation:simulate",
        catalog.CACHE,
        "SIMULATED sounds to train on",
    )
    return for_task(prepared.clips(), SIMULATED_TASKS[classes])


class MultipleInstanceClassifier:
    """Bags of windows, one class against the rest; probabilities are a fixed function of the clips' scores.

    Args:
        seed: draws the landmarks.
        landmarks: windows that approximate the kernel.
        penalty: see `fit_bags`.
        limit: standard deviations at which columns are clipped, against outliers.
        simulated_patients: see `simulated_clips`; the simulated clips together weigh as much as the labeled ones.
    """

    def __init__(self, seed: int, landmarks: int, penalty: float, limit: float, simulated_patients: int) -> None:
        self.seed = seed
        self.landmarks = landmarks
        self.penalty = penalty
        self.limit = limit
        self.simulated_patients = simulated_patients

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Fit on train and validation patients alike: nothing is selected."""
        labels, domains = [np.concatenate([train.label, valid.label])], [Bags(train, valid)]
        simulated = simulated_clips(train.classes, train.rate, self.simulated_patients)
        if simulated is not None:
            labels.append(simulated.label)
            domains.append(Bags(simulated))
        low, self.center, high = np.quantile(domains[0].columns, (0.25, 0.5, 0.75), axis=0)
        self.scale = (high - low) / NORMAL_IQR + 1e-3 * domains[0].columns.std(axis=0) + 1e-9
        columns = [self._standardized(bags, np.median(bags.columns, axis=0)) for bags in domains]
        seen = columns
        if unlabeled is not None and len(unlabeled):
            others = Bags(unlabeled)
            self.center = np.median(others.columns, axis=0)
            seen = [*columns, self._standardized(others, self.center)]
        pool = np.concatenate(seen)
        drawn = np.random.default_rng(self.seed).choice(len(pool), min(self.landmarks, len(pool)), replace=False)
        self.map = NystromMap(pool[drawn])
        features = self.map(np.concatenate(columns))
        count, label = np.concatenate([bags.count for bags in domains]), np.concatenate(labels)
        share = np.concatenate([np.full(len(own), 1 / len(own)) for own in labels])
        judged = range(1 if len(train.classes) == 2 else 0, len(train.classes))
        self.solutions = np.stack([fit_bags(features, count, label == c, share, self.penalty) for c in judged])
        return self

    def predict_proba(self, clips: Clips) -> Floats:
        """(clips, classes)."""
        bags = Bags(clips)
        features = self.map(self._standardized(bags, self.center))
        scores = np.stack([pooled(features @ own[:-1] + own[-1], bags.count)[0] for own in self.solutions], axis=1)
        if scores.shape[1] == 1:
            return np.concatenate([expit(-scores), expit(scores)], axis=1)
        return np.asarray(softmax(scores, axis=1), dtype=np.float64)

    def _standardized(self, bags: Bags, center: Floats) -> Floats:
        standardized: Floats = np.clip((bags.columns - center) / self.scale, -self.limit, self.limit)
        return standardized

    @property
    def n_parameters(self) -> int:
        """Landmarks, their whitening, and the weights."""
        return int(self.map.landmarks.size + self.map.whitening.size + self.solutions.size)


def build(
    *,
    seed: int,
    landmarks: int = 400,
    penalty: float = 1e-4,
    limit: float = 3.0,
    simulated_patients: int = 100,
) -> MultipleInstanceClassifier:
    """See `MultipleInstanceClassifier`."""
    return MultipleInstanceClassifier(seed, landmarks, penalty, limit, simulated_patients)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Penalty, clipping, and whether simulated clips are trained on."""
    return {
        "penalty": trial.suggest_float("penalty", 1e-5, 1e-2, log=True),
        "limit": trial.suggest_float("limit", 1.0, 5.0),
        "simulated_patients": trial.suggest_categorical("simulated_patients", [0, 100]),
    }
