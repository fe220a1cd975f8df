"""How many patients a number really rests on, where few of them hold most of the clips."""

from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.statistics.intervals import effective_number
from respbench.benchmarks.statistics.metrics import Floats, Predictions
from respbench.corpora.cycles import NORMAL

LARGEST = 5


@dataclass(frozen=True, kw_only=True)
class EffectiveSize:
    """How a total is spread over patients.

    Attributes:
        total: clips or pairs.
        patients: that have any.
        effective: number of patients with equal shares that would give means of the same variance,
            ``(sum w)^2 / sum w^2`` (Kish 1965, Survey Sampling); NaN without any.
        largest: share of the `LARGEST` patients with most.
        first: share of the patient with most.
    """

    total: int
    patients: int
    effective: float
    largest: float
    first: float


def effective_size(counts: Floats) -> EffectiveSize:
    """Describe how (patients,) counts are spread."""
    total = float(counts.sum())
    return EffectiveSize(
        total=round(total),
        patients=int((counts > 0).sum()),
        effective=effective_number(counts) if total else float("nan"),
        largest=float(np.sort(counts)[-LARGEST:].sum()) / total if total else float("nan"),
        first=float(counts.max(initial=0)) / total if total else float("nan"),
    )


def effective_sizes(predictions: Predictions, patients: int) -> dict[str, EffectiveSize]:
    """Describe how tested clips, abnormal ones, and pairs within patients are spread over the patients.

    Where no class is ``normal``, clips alone.

    Args:
        predictions: of any model and repeat; only clips, labels and patients are used.
        patients: number of them.
    """
    if NORMAL not in predictions.classes:
        clips = np.bincount(predictions.patient, minlength=patients).astype(np.float64)
        return {"clips": effective_size(clips)}
    abnormal = predictions.label != predictions.normal
    counts = [
        np.bincount(predictions.patient[side], minlength=patients).astype(np.float64) for side in (abnormal, ~abnormal)
    ]
    return {
        "clips": effective_size(counts[0] + counts[1]),
        "abnormal clips": effective_size(counts[0]),
        "pairs of an abnormal and a normal clip of one patient": effective_size(counts[0] * counts[1]),
    }
