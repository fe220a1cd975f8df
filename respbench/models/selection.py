"""Which models run: those that a user names, or the usual ones, as far as they suit the corpus."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from respbench.corpora.choices import MODALITIES, MOTION, SOUND
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.problems import InputError
from respbench.models.own import checked_module
from respbench.models.registry import BASELINE, CONTROL, REGISTRY, TRAINED_ON_SIMULATED
from respbench.models.semi_supervised.entries import BACKBONES, semi_supervised_entries
from respbench.models.spec import ModelKind, ModelSpec

_CALLED = {SOUND: "sounds", MOTION: "movements"}


def usual(few_labels: bool = False, adapted: bool = False) -> str:
    """The names of the entries that run when none is named.

    Args:
        few_labels: whether most training patients have no labels. Then the methods that learn from such patients run,
            over the practical's two networks, each beside its supervised baseline, and the baselines to beat.
        adapted: whether all labels are of another corpus. Then the controls and baselines run, beside every model that
            learns from unlabeled clips and is no network over a costlier backbone than the cheapest.
    """
    if few_labels:
        methods = [spec.name for backbone in ("cnn", "cnn-gru") for spec in semi_supervised_entries(backbone)]
        return ",".join(["prior", "metadata", "svm", "svm-adventitious", *methods])
    default = {name: spec for name, spec in REGISTRY.items() if not spec.optional}
    if not adapted:
        return ",".join(default)
    cheapest, *costlier = ([spec.name for spec in semi_supervised_entries(backbone)] for backbone in BACKBONES)
    left_out = {name for names in costlier for name in names}
    simple = [name for name, spec in default.items() if spec.kind in {CONTROL, BASELINE}]
    adapting = [spec for name, spec in REGISTRY.items() if spec.unlabeled and name not in left_out]
    semi = [name for spec in adapting for name in (spec.supervised_baseline, spec.name)]
    return ",".join(dict.fromkeys([*simple, *cheapest, *semi]))


def _choices(name: str) -> str:
    """The entries that resemble a name, else those that run by default; the registry is too long for one sentence."""
    names = get_close_matches(name, REGISTRY, n=5) or usual().split(",")
    return f"choose from {', '.join(names)}, or another that `respbench list` shows"


def find(names: str | None = None, files: tuple[Path, ...] = ()) -> list[ModelSpec]:
    """The entries that a user asked for.

    Args:
        names: comma-separated; None = all of the registry that isn't optional.
        files: model files outside the clone, each entered under its stem.

    Raises:
        InputError: a name is unknown or used twice, a file is no model file, or the package or weights of a model are
            missing.
    """
    wanted = [name.strip() for name in (usual() if names is None else names).split(",") if name.strip()]
    unknown = [name for name in wanted if name not in REGISTRY]
    if unknown:
        raise InputError(f"unknown model {unknown[0]!r}; {_choices(unknown[0])}")
    specs = [REGISTRY[name] for name in dict.fromkeys(wanted)] + [from_file(path) for path in files]
    if not specs:
        raise InputError(f"no model is named; {_choices('')}")
    names_of = [spec.name for spec in specs]
    twice = [name for name in names_of if names_of.count(name) > 1]
    if twice:
        raise InputError(f"two model files are called {twice[0]}; rename one of them")
    for spec in specs:
        spec.state()
    return specs


def suited(specs: Sequence[ModelSpec], facts: CorpusFacts, *, named: bool) -> tuple[list[ModelSpec], list[str]]:
    """Choose the models that can be trained on a corpus and tested on it.

    Args:
        specs: that were asked for.
        facts: of the corpus.
        named: whether a user named them; then one that takes no such recordings is refused instead of left out.

    Returns:
        The models, and a sentence per reason for which others are left out.

    Raises:
        InputError: a named model doesn't take such recordings, or no model is left.
    """
    if not named:
        specs = [spec for spec in specs if facts.modality not in spec.optional_on]
    unsuited = [spec.name for spec in specs if facts.modality not in spec.modalities]
    simulated = (facts.tested or facts).simulated
    known = [spec.name for spec in specs if simulated and spec.name in TRAINED_ON_SIMULATED]
    reasons = {
        f"made for other recordings than the {_CALLED[facts.modality]} of the corpus {facts.name}": unsuited,
        "simulated clips are trained on, too, and may be the tested ones": known,
    }
    left_out = {*unsuited, *known}
    kept = [spec for spec in specs if spec.name not in left_out]
    sentences = [f"{', '.join(names)}: {reason}" for reason, names in reasons.items() if names]
    if sentences and (not kept or (named and unsuited)):
        raise InputError(f"{sentences[0]}; choose other models (see `respbench list`), or another corpus")
    return kept, [f"{sentence}; left out on this corpus." for sentence in sentences]


def from_file(path: Path) -> ModelSpec:
    """An entry for a model file outside the clone.

    Raises:
        InputError: the file is missing, fails to import, lacks a ``build`` that a run can call, or is named like an
            entry of the registry.
    """
    if path.is_dir():
        raise InputError(f"{path.resolve()} is a folder; give the path of a model file in it")
    if not path.is_file():
        raise InputError(f"{path.absolute()} does not exist; give the path of a model file")
    if path.suffix != ".py":
        raise InputError(f"{path} is no Python file; give the path of a model file")
    name = path.stem.replace("_", "-")
    if name in REGISTRY:
        raise InputError(f"{path}: a model called {name} is in the registry already; rename the file")
    module = checked_module(path)
    return ModelSpec(
        name=name,
        target=f"{path.resolve()}:build",
        source=next(iter(str(module.__doc__ or "").strip().splitlines()), str(path)),
        kind=ModelKind.OWN,
        unlabeled=bool(getattr(module, "UNLABELED", False)),
        modalities=tuple(getattr(module, "MODALITIES", MODALITIES)),
    )
