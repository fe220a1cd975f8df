"""How long, and with which weight, the methods are trained over a backbone, where that was chosen on inner folds.

The entries of the registry over other backbones have the defaults of each method. Imports nothing heavy. Numbers are in
docs/decisions/0019-semi-supervised-without-harm.md.
"""

from typing import Any

SCHEDULES = {"cnn": {"epochs": 5, "steps": 10}, "cnn-gru": {"epochs": 5, "steps": 10}}
"""By backbone, for the methods and their supervised baseline alike."""

SMALLEST_ALPHA = 0.03
"""Weight of a method over these backbones, unless a larger one was better by more than two standard errors."""

LARGER_ALPHAS: dict[str, dict[str, float]] = {
    "cnn": {},
    "cnn-gru": {"planted": 30.0, "pseudo-label": 30.0, "vat": 3.0},
}
"""By backbone, the methods with a larger weight."""


def baseline_settings(backbone: str) -> dict[str, Any]:
    """The parameters of the supervised baseline that differ from its defaults."""
    return dict(SCHEDULES.get(backbone, {}))


def method_settings(method: str, backbone: str) -> dict[str, Any]:
    """The parameters of a method that differ from its defaults: also alpha, and unlabeled clips per labeled one."""
    if backbone not in SCHEDULES:
        return {}
    alpha = LARGER_ALPHAS.get(backbone, {}).get(method, SMALLEST_ALPHA)
    return {**SCHEDULES[backbone], "alpha": alpha, "ratio": 1}
