"""The models by name. Adding one = one file in this folder + one line in ``REGISTRY``.

A model file holds ``build(*, seed, **parameters) -> Model``, whose keyword defaults are the model's default parameters,
and optionally ``space(trial) -> dict``, the parameters that Optuna tries.
"""

from pathlib import Path

from corpora.problems import InputError
from models.spec import ModelSpec, module_at


def _entries(*specs: ModelSpec) -> dict[str, ModelSpec]:
    entries: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name in entries:
            raise ValueError(f"two models are called {spec.name}")
        entries[spec.name] = spec
    return entries


LECTURE = {"standardise": False, "class_weights": False, "patience": None, "keep": "accuracy"}
"""The practical's own recipe: best validation accuracy of 16 epochs, nothing weighted, nothing standardised."""

SEMI_SUPERVISED = {
    "autoencoder": ("models.autoencoder:build", "reconstruction (Yang et al. 2022)"),
    "pi-model": ("models.pi_model:build", "consistency of two passes (Laine & Aila 2017)"),
    "vat": ("models.vat:build", "virtual adversarial training (Miyato et al. 2018)"),
    "pseudo-label": ("models.pseudo_label:build", "confident predictions as labels (Lee 2013)"),
    "mean-teacher": ("models.mean_teacher:build", "consistency with averaged weights (Tarvainen & Valpola 2017)"),
    "fixmatch": ("models.fixmatch:build", "weak view teaches strong view (Sohn et al. 2020)"),
    "planted": ("models.planted:build", "a clip with a sound planted in it is more abnormal (ours)"),
}
"""Adding a method = one file in this folder + one line here; it gets an entry over each backbone."""

BACKBONES = ("mlp", "cnn", "cnn-gru", "resnet-maps")
"""What the methods stand on, cheapest first; see `models.semi_supervised.BACKBONES`."""


def _over(backbone: str) -> list[ModelSpec]:
    """The methods over a backbone, and their supervised twin; they run under a label budget, or when named."""
    on, twin = {"backbone": backbone}, f"supervised-{backbone}"
    return [
        ModelSpec(
            twin, "models.supervised:build", "twin of the methods, sees no unlabeled clip", "network", on, False, True
        ),
        *(
            ModelSpec(f"{name}-{backbone}", target, source, "semi-supervised", on, True, True, twin)
            for name, (target, source) in SEMI_SUPERVISED.items()
        ),
        # What the planted sounds are worth by themselves: the rest of what `planted` has above the twin is D_U's.
        ModelSpec(
            f"planted-labeled-{backbone}",
            SEMI_SUPERVISED["planted"][0],
            "the same in labeled clips alone",
            "semi-supervised",
            on,
            False,
            True,
            twin,
        ),
    ]


REGISTRY = _entries(
    ModelSpec("prior", "models.prior:build", "class frequencies of the training clips", "control"),
    ModelSpec("metadata", "models.metadata:build", "logistic regression on device, location, duration", "control"),
    ModelSpec("duration", "models.duration:build", "logistic regression on log-duration and its square", "control"),
    ModelSpec("svm", "models.svm:build", "Cortes & Vapnik 1995, RBF kernel on MFCC statistics", "baseline"),
    ModelSpec("xgboost", "models.xgboost:build", "Chen & Guestrin 2016, on handcrafted statistics", "baseline"),
    ModelSpec("svm-adventitious", "models.svm_adventitious:build", "RBF kernels on wheezes, crackles", "baseline"),
    ModelSpec("xgboost-adventitious", "models.xgboost_adventitious:build", "trees on the same columns", "baseline"),
    ModelSpec("quant", "models.quant:build", "Dempster et al. 2024, on log-mel bands", "baseline", optional=True),
    ModelSpec("scattering", "models.scattering:build", "Andén & Mallat 2014, RBF kernel", "baseline", optional=True),
    ModelSpec(
        "cnn-lecture", "models.cnn:build", "the practical's two-layer CNN, as taught", "network", LECTURE, fixed=True
    ),
    ModelSpec("cnn", "models.cnn:build", "the practical's two-layer CNN, trained with care", "network"),
    ModelSpec("cnn-gru", "models.cnn_gru:build", "convolutions read by a GRU (Cho et al. 2014)", "network"),
    ModelSpec("resnet-maps", "models.resnet:build", "small residual network (He et al. 2016) on sound maps", "network"),
    ModelSpec("mlp", "models.mlp:build", "perceptron on handcrafted columns", "network", optional=True),
    ModelSpec(
        "ensemble", "models.ensemble:build", "SVM (weight 3), trees, network", "ensemble", {"weights": (3, 1, 1)}
    ),
    *(spec for backbone in BACKBONES for spec in _over(backbone)),
)


def usual(few_labels: bool = False) -> str:
    """The names of the entries that run when none is named.

    Args:
        few_labels: whether most training patients have no labels. Then the methods that make use of such patients run,
            over the practical's two networks, each beside its twin.
    """
    if not few_labels:
        return ",".join(name for name, spec in REGISTRY.items() if not spec.optional)
    return ",".join(["prior", "metadata", "svm", *(spec.name for name in ("cnn", "cnn-gru") for spec in _over(name))])


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
        InputError: the file is missing, fails to import, lacks ``build``, or is named like an entry of the registry.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the path of a model file")
    name = path.stem.replace("_", "-")
    if name in REGISTRY:
        raise InputError(f"{path}: a model called {name} is in the registry already; rename the file")
    try:
        module = module_at(path.resolve())
    except Exception as error:
        raise InputError(f"{path} can't be imported ({type(error).__name__}: {error}); correct it") from error
    if not callable(getattr(module, "build", None)):
        raise InputError(f"{path} has no function build(*, seed, **parameters); add it (see CONTRIBUTING.md)")
    source = (module.__doc__ or str(path)).strip().splitlines()[0]
    unlabeled = bool(getattr(module, "UNLABELED", False))
    return ModelSpec(name, f"{path.resolve()}:build", source, "own", unlabeled=unlabeled)
