"""How much the parts of a model contribute: groups of variants, each with one part changed or removed.

Adding a variant = one `changed(...)` in a group; adding a group = one entry of ``ABLATIONS``. ``respbench ablate`` runs
them on the folds of the benchmark. Variants are evaluated, never selected: defaults don't depend on the outcome.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from respbench.corpora.problems import InputError
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind, ModelSpec


@dataclass(frozen=True)
class Ablation:
    """One question about one model.

    Attributes:
        question: one sentence for the report.
        reference: the full model that the variants are compared with; mostly an entry of the registry.
        variants: the reference with one part changed each.
    """

    question: str
    reference: ModelSpec
    variants: tuple[ModelSpec, ...]

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        """The reference, then its variants."""
        return (self.reference, *self.variants)


def changed(model: str, suffix: str, what: str, **parameters: Any) -> ModelSpec:
    """A variant of an entry of the registry.

    Args:
        model: the entry's name.
        suffix: the variant is called ``<model>-<suffix>``; the name is its folder and its row.
        what: the difference in words, for the report.
        parameters: keywords of the model's ``build`` that differ from the entry's.
    """
    full = REGISTRY[model]
    return replace(full, name=f"{model}-{suffix}", source=what, overrides={**full.overrides, **parameters})


FAMILIES = ("continuous", "discontinuous", "rhythm", "colour", "whitened")
"""Those of `features.adventitious`, which imports torch: too slow for `respbench list`."""

ABLATIONS: dict[str, Ablation] = {
    "features": Ablation(
        "How much does each family of features contribute to `svm-adventitious`?",
        REGISTRY["svm-adventitious"],
        (
            changed("svm-adventitious", "tonal", "continuous sounds alone", families=("continuous",), mfcc_weight=0.0),
            changed(
                "svm-adventitious",
                "transient",
                "discontinuous sounds alone, in the bands and in what prediction leaves",
                families=("discontinuous", "whitened"),
                mfcc_weight=0.0,
            ),
            changed("svm-adventitious", "mfcc", "MFCC statistics alone", families=(), mfcc_weight=1.0),
            changed("svm-adventitious", "without-tonal", "all but continuous sounds", families=FAMILIES[1:]),
            changed(
                "svm-adventitious",
                "without-transient",
                "all but discontinuous sounds",
                families=("continuous", "rhythm", "colour"),
            ),
            changed("svm-adventitious", "without-mfcc", "all but MFCC", mfcc_weight=0.0),
        ),
    ),
    "images": Ablation(
        "Do maps of wheezes and crackles serve the residual network better than log-mel, trained alike?",
        REGISTRY["resnet-maps"],
        (changed("resnet-maps", "logmel", "log-mel of 32 bands in frames of 32 ms", images="repeated"),),
    ),
}


def find_ablations(names: str | None = None) -> dict[str, Ablation]:
    """The groups that a user asked for.

    Args:
        names: comma-separated; None = all.

    Raises:
        InputError: there is no group of that name.
    """
    wanted = [name.strip() for name in (",".join(ABLATIONS) if names is None else names).split(",") if name.strip()]
    unknown = [name for name in wanted if name not in ABLATIONS]
    if unknown or not wanted:
        raise InputError(f"unknown ablation {', '.join(unknown) or names!r}; choose from {', '.join(ABLATIONS)}")
    return {name: ABLATIONS[name] for name in wanted}


def models_of(groups: Iterable[Ablation]) -> tuple[ModelSpec, ...]:
    """All models of a run of these groups: the benchmark's controls, references and variants, once each.

    Raises:
        ValueError: two different models have one name.
    """
    found = {name: spec for name, spec in REGISTRY.items() if spec.kind == ModelKind.CONTROL}
    for spec in (spec for group in groups for spec in group.specs):
        if found.setdefault(spec.name, spec) != spec:
            raise ValueError(f"two models of the ablations are called {spec.name}")
    return tuple(found.values())
