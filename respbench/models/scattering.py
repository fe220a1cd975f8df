"""Wavelet scattering (Andén & Mallat 2014, doi:10.1109/TSP.2014.2326991) with the support vector machine of `svm`."""

from typing import Any

import optuna

from respbench.features.scattering import Scattering
from respbench.models.svm import SupportVectorMachine


def build(
    *,
    seed: int,
    C: float = 1.0,
    gamma: float | str = "scale",
    per_octave: int = 4,
    lowest: float = 60.0,
    slowest: float = 4.0,
) -> SupportVectorMachine:
    """Logarithms of time-averaged coefficients; see `Scattering` and `SupportVectorMachine`."""
    return SupportVectorMachine(Scattering(per_octave, lowest, slowest), seed, C, gamma)


def space(trial: optuna.Trial) -> dict[str, Any]:
    """Kernel, and wavelets per octave."""
    return {
        "C": trial.suggest_float("C", 1e-2, 1e2, log=True),
        "gamma": trial.suggest_float("gamma", 1e-5, 1e-1, log=True),
        "per_octave": trial.suggest_categorical("per_octave", [2, 4, 8]),
    }
