"""Measured costs of feature extraction: one file per results folder, one entry per model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.bounded import read_bounded
from respbench.corpora.problems import InputError

FEATURE_COSTS = "feature_costs.json"


@dataclass(frozen=True, kw_only=True)
class FeatureCost:
    """What extracting a model's features costs per clip, in one thread.

    Attributes:
        ms_per_clip: ms to compute the features that the model predicts from; 0 if it reads none from the cache.
        clips: number of clips that it was measured on.
        seconds_per_clip: s, their mean duration.
        rounds: number of measurements, whose median it is.
        hardware: processor, cores, GPU.
        identity: of the model's code and parameters, see `benchmarks.storage.identity.model_identity`.
    """

    ms_per_clip: float
    clips: int
    seconds_per_clip: float
    rounds: int
    hardware: str
    identity: str


def read_feature_costs(folder: Path) -> dict[str, FeatureCost]:
    """Read the costs of a results folder by model; empty if none were measured.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / FEATURE_COSTS
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(read_bounded(path), type=dict[str, FeatureCost])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}); delete it, then run `respbench costs` on its folder") from error


def write_feature_costs(folder: Path, costs: Mapping[str, FeatureCost]) -> None:
    """Write the costs of a results folder, sorted by model.

    Raises:
        CannotWrite: the disk is full or the folder can't be written.
    """
    content = msgspec.json.encode({model: asdict(costs[model]) for model in sorted(costs)})
    write_atomically(folder / FEATURE_COSTS, msgspec.json.format(content, indent=1) + b"\n")
