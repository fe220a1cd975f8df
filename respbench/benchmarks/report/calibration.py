"""The page about probabilities: whether they are right, as predicted and recalibrated, and their use at a threshold."""

from collections.abc import Iterator
from dataclasses import dataclass

from respbench.benchmarks.statistics.calibration import BINS, brier, calibration_of, recalibrated
from respbench.benchmarks.statistics.forecasting import forecasts_by, leading_and_controls
from respbench.benchmarks.statistics.forecasts import Repeats
from respbench.benchmarks.statistics.formatting import number
from respbench.benchmarks.statistics.operating import SPECIFICITY, gain_in_net_benefit, operating_point
from respbench.benchmarks.statistics.results import PRIOR, Results

SHOWN_THRESHOLDS = (0.2, 0.3, 0.5)
"""Probabilities for which the gain in net benefit is listed."""


@dataclass(frozen=True, kw_only=True)
class CalibrationPage:
    """What the page shows, a row per complete model.

    Attributes:
        before: name, expected calibration error, Brier score, its gain over `prior`, intercept, slope.
        after: the same after recalibration; empty where the protocol has one fold alone.
        operating: name, sensitivity, specificity, and the lowest and highest specificity of a fold.
        benefits: name of the leading models and controls, then the gain in net benefit by threshold.
        constant: models with one probability per fold, which rank nothing.
        abnormal: share of the tested clips.
        bins: of the expected calibration error.
        specificity: in %, that thresholds are chosen for.
        thresholds: of ``benefits``.
    """

    before: list[list[object]]
    after: list[list[object]]
    operating: list[list[object]]
    benefits: list[list[object]]
    constant: tuple[str, ...]
    abnormal: float
    bins: int = BINS
    specificity: int = round(100 * SPECIFICITY)
    thresholds: tuple[float, ...] = SHOWN_THRESHOLDS


def calibration_page(results: Results) -> CalibrationPage | None:
    """Compute the page; None without complete models, or for an ablation."""
    if not results.complete or results.protocol.ablation_of:
        return None
    before = {model.name: forecasts_by(results, model) for model in results.complete}
    after = {name: found for name, repeats in before.items() if (found := recalibrated(repeats))}
    shown = [model.name for model in leading_and_controls(results)]
    first = next(iter(before.values())).forecasts[0]
    return CalibrationPage(
        before=[_row(name, repeats, before.get(PRIOR)) for name, repeats in before.items()],
        after=[_row(name, repeats, before.get(PRIOR)) for name, repeats in after.items()],
        operating=list(_operating_rows(before)),
        benefits=[[n, *(gain_in_net_benefit(after[n], at) for at in SHOWN_THRESHOLDS)] for n in shown if n in after],
        constant=tuple(name for name, repeats in before.items() if repeats.constant),
        abnormal=float(first.abnormal.mean()),
    )


def _row(name: str, repeats: Repeats, prior: Repeats | None) -> list[object]:
    """One row; a lower Brier score is better, so that the gain over `prior` is minus the difference to it."""
    found = calibration_of(repeats)
    gain = prior.gain(repeats, brier) if prior else None
    return [name, number(found.ece), found.brier, gain, found.intercept, found.slope]


def _operating_rows(models: dict[str, Repeats]) -> Iterator[list[object]]:
    for name, repeats in models.items():
        if (found := operating_point(repeats)) is not None:
            span = f"{number(found.lowest, '.2f')} to {number(found.highest, '.2f')}"
            yield [name, found.sensitivity, found.specificity, span]
