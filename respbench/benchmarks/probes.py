"""How well a simple classifier guesses device and patient from the features that a model gets: what it could use beside
the sound of disease. Nothing of the model itself is fitted.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from respbench.benchmarks.opening import require_same_corpus, stored_reports
from respbench.benchmarks.report.tables import PROBES, Row
from respbench.benchmarks.statistics.intervals import Estimate, interval, leave_one_out
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.features.cache import Extractor, cached
from respbench.features.threads import one_thread
from respbench.models.registry import REGISTRY
from respbench.models.spec import Model

FOLDS = 5
"""In which patients are held out to guess the device; a device of fewer patients can't be in all of them."""

COMPONENTS = 100
"""Principal components that are kept, so that thousands of columns are no more work than a hundred."""

Names = NDArray[np.str_]
Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def write_probes(folder: Path, prepared: Prepared, console: Console) -> list[Store]:
    """Probe the features of the models of results folders, and store what was found beside their results.

    Args:
        folder: a results folder, or one above several.
        prepared: the corpus that they come from.
        console: shows which models are probed.

    Returns:
        The results folders.

    Raises:
        InputError: a folder holds results of another corpus.
    """
    stores = stored_reports(folder)
    for store in stores:
        require_same_corpus(store, prepared)
    clips, fingerprint = prepared.clips(), prepared.facts().fingerprint
    for store in stores:
        names = sorted({key.model for key in store.fits()} & REGISTRY.keys())
        rows = []
        for name in names:
            try:
                columns = features_of(REGISTRY[name].build(0), clips)
            except (ImportError, InputError) as error:
                console.print(f"{name} can't be probed: {error}")
                continue
            if columns is not None:
                console.print(f"{name}: {columns.shape[1]} columns")
                rows.append({"model": name, **probe(columns, clips), "corpus": fingerprint})
        PROBES.write(store.folder, rows)
    return stores


def features_of(model: Model, clips: Clips) -> NDArray[np.float64] | None:
    """(clips, columns): what a model gets of each clip; of images, mean and standard deviation over time.

    None for a model that gets no features, such as the controls and ensembles.
    """
    parts = [np.asarray(cached(extractor, clips), dtype=np.float64) for extractor in _extractors(model)]
    flat = [part if part.ndim == 2 else np.concatenate([part.mean(-1), part.std(-1)], axis=1) for part in parts]
    return np.concatenate([part.reshape(len(clips), -1) for part in flat], axis=1) if flat else None


def probe(columns: NDArray[np.float64], clips: Clips) -> Row:
    """Guess the device of clips of new patients, and the patient of clips of other recordings.

    Returns:
        ``columns``; then of device and patient the share of clips that is guessed right, the mean over devices or
        patients, and the number of these. Left out where the corpus doesn't know it, or has one alone.
    """
    row: dict[str, object] = {"columns": columns.shape[1]}
    if "device" in clips.meta:
        patients = pd.Series(clips.patient).groupby(clips.meta["device"].to_numpy()).transform("nunique")
        rows = np.flatnonzero(patients >= FOLDS)
        devices, patient = clips.meta["device"].to_numpy(np.str_)[rows], clips.patient[rows]
        if len(np.unique(devices)) > 1:
            folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(rows, devices, patient)
            row |= _guessed("device", columns[rows], devices, patient, list(folds))
    if "recording" in clips.meta:
        half = halves(clips.patient, clips.meta["recording"].to_numpy(np.str_))
        first, second = (np.flatnonzero(half == side) for side in (0, 1))
        if len(second):
            row |= _guessed("patient", columns, clips.patient, clips.patient, [(first, second), (second, first)])
    return row


def halves(patient: Names, recording: Names) -> NDArray[np.int64]:
    """(clips,) 0 or 1: each patient's recordings in turn; -1 for patients with one recording, who can't be guessed."""
    half = np.full(len(patient), -1)
    for name in np.unique(patient):
        rows = np.flatnonzero(patient == name)
        number = np.unique(recording[rows], return_inverse=True)[1]
        if number.max():
            half[rows] = number % 2
    return half


def _extractors(model: Model) -> Iterator[Extractor]:
    """What models of this project compute their features with: a vector, several, or images."""
    found = getattr(model, "features", None) or getattr(model, "images", None) or ()
    yield from found if isinstance(found, list | tuple) else [found]


def _guessed(
    what: str, columns: NDArray[np.float64], truth: Names, patient: Names, splits: Sequence[Split]
) -> dict[str, object]:
    """Accuracy of linear discriminant analysis with a shrunk covariance (Ledoit & Wolf 2004), balanced over classes."""
    right = np.zeros(len(truth))
    with one_thread():
        for train, test in splits:
            classes = len(np.unique(truth[train]))
            analysis = LinearDiscriminantAnalysis("lsqr", shrinkage="auto", priors=np.full(classes, 1 / classes))
            few = min(COMPONENTS, columns.shape[1], len(train))
            components = PCA(few, svd_solver="randomized", random_state=0)
            guesser = make_pipeline(StandardScaler(), components, analysis).fit(columns[train], truth[train])
            right[test] = guesser.predict(columns[test]) == truth[test]
    tested = np.unique(np.concatenate([test for _, test in splits]))
    return {what: balanced(right[tested], truth[tested], patient[tested]), f"{what}s": len(np.unique(truth[tested]))}


def balanced(right: NDArray[np.float64], truth: Names, patient: Names) -> Estimate:
    """Mean over classes of the share of (clips,) that is right, with an interval over patients for these guessers."""
    people, owner = np.unique(patient, return_inverse=True)
    weights = leave_one_out(len(people))
    shares = []
    for name in np.unique(truth):
        rows = truth == name
        counts = [np.bincount(owner[rows], x, len(people)) for x in (right[rows], np.ones(rows.sum()))]
        with np.errstate(invalid="ignore"):
            shares.append((weights @ counts[0]) / (weights @ counts[1]))
    return interval(np.nanmean(shares, axis=0)[None], "logit")
