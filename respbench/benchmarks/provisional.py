"""Scores of the models whose fits are all stored, while others of the same run are still being fitted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from respbench.benchmarks.execution.job import JobResult
from respbench.benchmarks.statistics.metrics import Predictions, evaluate_leading
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store, StoredFit


class Provisional:
    """What a run shows before its report: the score of each model once its last fit is stored, and the best of them.

    Args:
        store: of the results.
        keys: every fit of the run; models with fewer folds or repeats than these are not compared.
        stored: those that are stored already.
        flags: words that accompany every number, such as SIMULATED.
    """

    def __init__(
        self, store: Store, keys: Iterable[FitKey], stored: Collection[FitKey], flags: Sequence[str] = ()
    ) -> None:
        self.store, self.flags = store, ("provisional", *flags)
        self.keys: dict[str, list[FitKey]] = defaultdict(list)
        for key in keys:
            self.keys[key.model].append(key)
        self.lacking = {model: sum(key not in stored for key in own) for model, own in self.keys.items()}
        self.best: tuple[float, str] | None = None
        for model in self.keys:
            if not self.lacking[model]:
                self._complete(model)

    def finished(self, result: JobResult) -> str:
        """One job has ended; a sentence with the model's score if it was its last missing fit, else empty."""
        model = result.group
        if model not in self.lacking or result.error:
            return ""
        self.lacking[model] -= 1
        return self._complete(model) if self.lacking[model] == 0 else ""

    def _complete(self, model: str) -> str:
        fits = [self.store.read(key) for key in self.keys[model]]
        repeats: dict[int, list[StoredFit]] = defaultdict(list)
        for fit in fits:
            repeats[fit.key.seed].append(fit)
        values = [_evaluate(own) for own in repeats.values()]
        score, auroc = (float(np.mean([value[metric] for value in values])) for metric in ("score", "auroc"))
        if self.best is None or score > self.best[0]:
            self.best = score, model
        return f"{model}: score {score:.2f}, AUROC {auroc:.2f} of {len(fits)} fits ({', '.join(self.flags)})"

    def __str__(self) -> str:
        """Such as ``best score so far: svm 0.71 (provisional, SIMULATED)``; empty if no model is complete."""
        if self.best is None:
            return ""
        return f"best score so far: {self.best[1]} {self.best[0]:.2f} ({', '.join(self.flags)})"


def _evaluate(fits: Sequence[StoredFit]) -> dict[str, float]:
    """Score and AUROC of one repeat, as in the leaderboard, without intervals."""
    classes = fits[0].record.classes
    number = {name: index for index, name in enumerate(classes)}
    tables = [fit.predictions for fit in fits]
    label = np.concatenate([table["label"].map(number).to_numpy(np.int64) for table in tables])
    predictions = Predictions(
        label=label,
        probabilities=np.concatenate([table[list(classes)].to_numpy(np.float64) for table in tables]),
        patient=np.zeros(len(label), dtype=np.int64),  # without intervals, it doesn't matter whose clips they are
        fold=np.repeat([fit.key.fold for fit in fits], [len(table) for table in tables]),
        classes=classes,
    )
    return {metric: float(value[0]) for metric, value in evaluate_leading(predictions, np.ones((1, 1))).items()}
