"""The models of a results folder as forecasters of `abnormal`, and those that detailed pages show."""

from respbench.benchmarks.statistics.forecasts import Repeats, repeats_of
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.models.spec import ModelKind

LEADERS = 2
"""Models shown beside the controls: the first ones of the table."""


def forecasts_by(results: Results, model: ModelResults) -> Repeats:
    """See a complete model of a results folder as forecasts of `abnormal`."""
    return repeats_of(model.predictions, len(results.patients), model.draws)


def leading_and_controls(results: Results) -> list[ModelResults]:
    """List the `LEADERS` among the complete models, then the controls that rank anything."""
    controls = [model for model in results.complete if model.kind is ModelKind.CONTROL]
    others = [model for model in results.complete if model.kind is not ModelKind.CONTROL]
    return [*others[:LEADERS], *(model for model in controls if not forecasts_by(results, model).constant)]
