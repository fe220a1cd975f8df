"""The models by name. Adding one = one file in this folder (or a folder in it) + one line in ``REGISTRY``.

A model file holds ``build(*, seed, **parameters) -> Model``, whose keyword defaults are the model's default parameters,
and optionally ``space(trial) -> dict``, the parameters that Optuna tries.
"""

import inspect
from collections.abc import Callable
from inspect import Parameter
from pathlib import Path

from corpora.problems import InputError
from models.spec import ModelKind, ModelSpec, module_at

CONTROL, BASELINE, NETWORK = ModelKind.CONTROL, ModelKind.BASELINE, ModelKind.NETWORK

LECTURE = {"standardise": False, "class_weights": False, "patience": None, "keep": "accuracy"}
"""The practical's own recipe: best validation accuracy of 16 epochs, no weighting, no standardization."""

SEMI_SUPERVISED = {
    "autoencoder": ("models.semi_supervised.autoencoder:build", "reconstruction (Yang et al. 2022)"),
    "pi-model": ("models.semi_supervised.pi_model:build", "consistency of two passes (Laine & Aila 2017)"),
    "vat": ("models.semi_supervised.vat:build", "virtual adversarial training (Miyato et al. 2018)"),
    "pseudo-label": ("models.semi_supervised.pseudo_label:build", "confident predictions as labels (Lee 2013)"),
    "mean-teacher": (
        "models.semi_supervised.mean_teacher:build",
        "consistency with averaged weights (Tarvainen & Valpola 2017)",
    ),
    "fixmatch": ("models.semi_supervised.fixmatch:build", "weak view teaches strong view (Sohn et al. 2020)"),
    "planted": ("models.semi_supervised.planted:build", "a clip with a sound planted in it is more abnormal (ours)"),
}
"""Adding a method = one file in models/semi_supervised/ + one line here; it gets one entry per backbone."""

BACKBONES = {
    "mlp": "models.semi_supervised.backbones:MLP",
    "cnn": "models.semi_supervised.backbones:CNN",
    "cnn-gru": "models.semi_supervised.backbones:CNN_GRU",
    "resnet-maps": "models.semi_supervised.backbones:RESNET_MAPS",
}
"""The networks that every semi-supervised method is run with, cheapest first."""


def _entries(*specs: ModelSpec) -> dict[str, ModelSpec]:
    entries: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name in entries:
            raise ValueError(f"two models are called {spec.name}")
        entries[spec.name] = spec
    return entries


def _semi_supervised_entries(backbone: str) -> list[ModelSpec]:
    """The methods over a backbone, and the supervised baseline that each is compared with.

    They run under a label budget, or when named.
    """
    baseline = ModelSpec(
        name=f"supervised-{backbone}",
        target="models.semi_supervised.supervised:build",
        source="twin of the methods, sees no unlabeled clip",
        kind=NETWORK,
        overrides={"backbone": backbone},
        components=(BACKBONES[backbone],),
        optional=True,
    )

    def method(name: str, target: str, source: str, unlabeled: bool = True) -> ModelSpec:
        return ModelSpec(
            name=f"{name}-{backbone}",
            target=target,
            source=source,
            kind=ModelKind.SEMI_SUPERVISED,
            overrides=baseline.overrides,
            components=baseline.components,
            unlabeled=unlabeled,
            optional=True,
            supervised_baseline=baseline.name,
        )

    return [
        baseline,
        *(method(name, target, source) for name, (target, source) in SEMI_SUPERVISED.items()),
        # How much the planted sounds add by themselves: the rest of the gain of `planted` is due to D_U.
        method("planted-labeled", SEMI_SUPERVISED["planted"][0], "the same in labeled clips alone", unlabeled=False),
    ]


REGISTRY = _entries(
    ModelSpec(
        name="prior", target="models.prior:build", source="class frequencies of the training clips", kind=CONTROL
    ),
    ModelSpec(
        name="metadata",
        target="models.metadata:build",
        source="logistic regression on device, location, duration",
        kind=CONTROL,
    ),
    ModelSpec(
        name="duration",
        target="models.duration:build",
        source="logistic regression on log-duration and its square",
        kind=CONTROL,
    ),
    ModelSpec(
        name="svm",
        target="models.svm:build",
        source="Cortes & Vapnik 1995, RBF kernel on MFCC statistics",
        kind=BASELINE,
    ),
    ModelSpec(
        name="xgboost",
        target="models.xgboost:build",
        source="Chen & Guestrin 2016, on handcrafted statistics",
        kind=BASELINE,
    ),
    ModelSpec(
        name="svm-adventitious",
        target="models.svm_adventitious:build",
        source="RBF kernels on wheezes, crackles",
        kind=BASELINE,
    ),
    ModelSpec(
        name="xgboost-adventitious",
        target="models.xgboost_adventitious:build",
        source="trees on the same columns",
        kind=BASELINE,
    ),
    ModelSpec(
        name="quant",
        target="models.quant:build",
        source="Dempster et al. 2024, on log-mel bands",
        kind=BASELINE,
        optional=True,
        slow=True,
    ),
    ModelSpec(
        name="scattering",
        target="models.scattering:build",
        source="Andén & Mallat 2014, RBF kernel",
        kind=BASELINE,
        optional=True,
    ),
    ModelSpec(
        name="cnn-lecture",
        target="models.networks.cnn:build",
        source="the practical's two-layer CNN, as taught",
        kind=NETWORK,
        overrides=LECTURE,
        fixed=True,
    ),
    ModelSpec(
        name="cnn",
        target="models.networks.cnn:build",
        source="the practical's two-layer CNN, trained with care",
        kind=NETWORK,
    ),
    ModelSpec(
        name="cnn-gru",
        target="models.networks.cnn_gru:build",
        source="convolutions read by a GRU (Cho et al. 2014)",
        kind=NETWORK,
    ),
    ModelSpec(
        name="resnet-maps",
        target="models.networks.resnet:build",
        source="small residual network (He et al. 2016) on sound maps",
        kind=NETWORK,
    ),
    ModelSpec(
        name="mlp",
        target="models.networks.mlp:build",
        source="perceptron on handcrafted columns",
        kind=NETWORK,
        optional=True,
    ),
    ModelSpec(
        name="ensemble",
        target="models.ensemble:build",
        source="SVM (weight 3), trees, network",
        kind=ModelKind.ENSEMBLE,
        overrides={"weights": (3, 1, 1)},
    ),
    ModelSpec(
        name="mil-windows",
        target="models.multiple_instance:build",
        source="multiple-instance learning on windows, real and simulated (Ramon & De Raedt 2000)",
        kind=BASELINE,
        optional=True,
    ),
    ModelSpec(
        name="mil-windows-aligned",
        target="models.multiple_instance:build",
        source="the same, centered on the unlabeled clips' medians",
        kind=ModelKind.SEMI_SUPERVISED,
        unlabeled=True,
        optional=True,
        supervised_baseline="mil-windows",
    ),
    *(spec for backbone in BACKBONES for spec in _semi_supervised_entries(backbone)),
)

TRAINED_ON_SIMULATED = ("mil-windows", "mil-windows-aligned")
"""Entries that also train on simulated clips, so that a simulated corpus may hold the same ones to be tested."""


def usual(few_labels: bool = False, adapted: bool = False) -> str:
    """The names of the entries that run when none is named.

    Args:
        few_labels: whether most training patients have no labels. Then the methods that learn from such patients run,
            over the practical's two networks, each beside its supervised baseline.
        adapted: whether all labels are of another corpus. Then the controls and baselines run, beside every model that
            learns from unlabeled clips and is no network over a costlier backbone than the cheapest.
    """
    if few_labels:
        methods = [spec.name for backbone in ("cnn", "cnn-gru") for spec in _semi_supervised_entries(backbone)]
        return ",".join(["prior", "metadata", "svm", *methods])
    default = {name: spec for name, spec in REGISTRY.items() if not spec.optional}
    if not adapted:
        return ",".join(default)
    cheapest, *costlier = ([spec.name for spec in _semi_supervised_entries(backbone)] for backbone in BACKBONES)
    left_out = {name for names in costlier for name in names}
    simple = [name for name, spec in default.items() if spec.kind in {CONTROL, BASELINE}]
    adapting = [spec for name, spec in REGISTRY.items() if spec.unlabeled and name not in left_out]
    semi = [name for spec in adapting for name in (spec.supervised_baseline, spec.name)]
    return ",".join(dict.fromkeys([*simple, *cheapest, *semi]))


def find(names: str | None = None, files: tuple[Path, ...] = ()) -> list[ModelSpec]:
    """The entries that a user asked for.

    Args:
        names: comma-separated; None = all of the registry that isn't optional.
        files: model files outside the clone, each entered under its stem.

    Raises:
        InputError: a name is unknown or used twice, or a file is no model file.
    """
    wanted = [name.strip() for name in (usual() if names is None else names).split(",") if name.strip()]
    unknown = [name for name in wanted if name not in REGISTRY]
    if unknown:
        raise InputError(f"unknown model {unknown[0]!r}; choose from {', '.join(REGISTRY)}")
    specs = [REGISTRY[name] for name in dict.fromkeys(wanted)] + [from_file(path) for path in files]
    if not specs:
        raise InputError("no model is named; choose from " + ", ".join(REGISTRY))
    names_of = [spec.name for spec in specs]
    twice = [name for name in names_of if names_of.count(name) > 1]
    if twice:
        raise InputError(f"two model files are called {twice[0]}; rename one of them")
    return specs


def from_file(path: Path) -> ModelSpec:
    """An entry for a model file outside the clone.

    Raises:
        InputError: the file is missing, fails to import, lacks a ``build`` that a run can call, or is named like an
            entry of the registry.
    """
    if path.is_dir():
        raise InputError(f"{path.resolve()} is a folder; give the path of a model file in it")
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the path of a model file")
    if path.suffix != ".py":
        raise InputError(f"{path} is no Python file; give the path of a model file")
    name = path.stem.replace("_", "-")
    if name in REGISTRY:
        raise InputError(f"{path}: a model called {name} is in the registry already; rename the file")
    try:
        module = module_at(path.resolve())
    except Exception as error:
        raise InputError(f"{path} can't be imported ({type(error).__name__}: {error}); correct it") from error
    build = getattr(module, "build", None)
    if not callable(build):
        raise InputError(f"{path} has no function build(*, seed, **parameters); add it (see CONTRIBUTING.md)")
    _check_signature(path, build)
    return ModelSpec(
        name=name,
        target=f"{path.resolve()}:build",
        source=(module.__doc__ or str(path)).strip().splitlines()[0],
        kind=ModelKind.OWN,
        unlabeled=bool(getattr(module, "UNLABELED", False)),
    )


def _check_signature(path: Path, build: Callable[..., object]) -> None:
    """Check that ``build`` can be called with a seed and parameters that all have a default."""
    by_name = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    parameters = dict(inspect.signature(build).parameters)
    seed = parameters.pop("seed", None)
    if seed is None or seed.kind not in by_name:
        raise InputError(f"{path}: build takes no seed; define it as build(*, seed, …)")
    for name, parameter in parameters.items():
        if parameter.kind not in by_name:
            raise InputError(f"{path}: build takes {parameter}; name its parameters, each with a default (depth=3)")
        if parameter.default is Parameter.empty:
            raise InputError(f"{path}: the parameter {name} of build has no default; give it one ({name}=…)")
