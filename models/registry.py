"""The models by name. Adding one = one file in this folder (or a folder in it) + one line in ``REGISTRY``.

A model file holds ``build(*, seed, **parameters) -> Model``, whose keyword defaults are the model's default parameters,
and optionally ``space(trial) -> dict``, the parameters that Optuna tries.
"""

from corpora.choices import MODALITIES, MOTION, SOUND
from features.encoders.catalog import ENCODERS
from models.encoder_entries import encoder_entries, fine_tuned_entries
from models.pretraining.entries import pretrained_entries
from models.semi_supervised.settings import baseline_settings, method_settings
from models.spec import ModelKind, ModelSpec

CONTROL, BASELINE, NETWORK = ModelKind.CONTROL, ModelKind.BASELINE, ModelKind.NETWORK

LECTURE = {"standardise": False, "class_weights": False, "patience": None, "keep": "accuracy"}
"""The practical's own recipe: best validation accuracy of 16 epochs, no weighting, no standardization."""

SEMI_SUPERVISED = {
    "autoencoder": ("models.semi_supervised.autoencoder:build", "reconstruction (Yang et al. 2022)"),
    "pi-model": ("models.semi_supervised.pi_model:build", "consistency of two passes (Laine & Aila 2017)"),
    "vat": ("models.semi_supervised.vat:build", "virtual adversarial training (Miyato et al. 2018)"),
    "pseudo-label": ("models.semi_supervised.pseudo_label:build", "confident predictions as labels (Lee 2013)"),
    "mean-teacher": ("models.semi_supervised.mean_teacher:build", "averaged weights (Tarvainen & Valpola 2017)"),
    "fixmatch": ("models.semi_supervised.fixmatch:build", "weak view teaches strong view (Sohn et al. 2020)"),
    "softmatch": ("models.semi_supervised.softmatch:build", "weights by confidence (Chen et al. 2023)"),
    "freematch": ("models.semi_supervised.freematch:build", "thresholds by confidence (Wang et al. 2023)"),
    "adamatch": ("models.semi_supervised.adamatch:build", "aligned with labeled clips (Berthelot et al. 2022)"),
    "vicreg": ("models.semi_supervised.vicreg:build", "self-supervised first (Bardes et al. 2022)"),
    "planted": ("models.semi_supervised.planted:build", "a clip with a sound planted in it is more abnormal (ours)"),
}
"""Adding a method = one file in models/semi_supervised/ + one line here; it gets one entry per backbone."""

BACKBONES = {
    "mlp": "models.semi_supervised.backbones:MLP",
    "cnn": "models.semi_supervised.backbones:CNN",
    "cnn-gru": "models.semi_supervised.backbones:CNN_GRU",
    "resnet-maps": "models.semi_supervised.backbones:RESNET_MAPS",
    "cnn-1d": "models.semi_supervised.backbones:CNN_1D",
    "gru": "models.semi_supervised.backbones:GRU",
    "cnn-gru-1d": "models.semi_supervised.backbones:CNN_GRU_1D",
}
"""The networks that every semi-supervised method is run with: those on columns and images of sounds, cheapest first,
then those on raw series."""

OF_SOUND_ALONE = ("mlp", "resnet-maps", "planted", "planted-labeled")
"""The backbones and methods that are made for sounds; all others take movements, too."""

SPECTRUM = ("n_mfcc", "n_mels", "n_fft", "hop")
"""Parameters of statistics that are taken of sounds alone."""

IMAGES = ("images", "n_mels", "n_fft", "hop", "standardise", "noise", "masked_bands", "masked_frames")
"""Parameters of images of sounds and of their augmentation."""


def _entries(*specs: ModelSpec) -> dict[str, ModelSpec]:
    entries: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name in entries:
            raise ValueError(f"two models are called {spec.name}")
        entries[spec.name] = spec
    return entries


def semi_supervised_entries(backbone: str) -> list[ModelSpec]:
    """The methods over a backbone, and the supervised baseline that each is compared with.

    They run under a label budget, or when named.
    """
    baseline = ModelSpec(
        name=f"supervised-{backbone}",
        target="models.semi_supervised.supervised:build",
        source="twin of the methods, sees no unlabeled clip",
        kind=NETWORK,
        overrides={"backbone": backbone, **baseline_settings(backbone)},
        components=(BACKBONES[backbone],),
        optional=True,
        modalities=(SOUND,) if backbone in OF_SOUND_ALONE else MODALITIES,
    )

    def method(name: str, target: str, source: str, unlabeled: bool = True) -> ModelSpec:
        return ModelSpec(
            name=f"{name}-{backbone}",
            target=target,
            source=source,
            kind=ModelKind.SEMI_SUPERVISED,
            overrides={"backbone": backbone, **method_settings(name.removesuffix("-labeled"), backbone)},
            components=baseline.components,
            unlabeled=unlabeled,
            optional=True,
            supervised_baseline=baseline.name,
            modalities=(SOUND,) if name in OF_SOUND_ALONE else baseline.modalities,
        )

    return [
        baseline,
        *(method(name, target, source) for name, (target, source) in SEMI_SUPERVISED.items()),
        # How much the planted sounds add by themselves: the rest of the gain of `planted` is due to D_U.
        method("planted-labeled", SEMI_SUPERVISED["planted"][0], "the same in labeled clips alone", unlabeled=False),
    ]


REGISTRY = _entries(
    ModelSpec(
        name="prior",
        target="models.prior:build",
        source="class frequencies of the training clips",
        kind=CONTROL,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="metadata",
        target="models.metadata:build",
        source="logistic regression on device, location, duration",
        kind=CONTROL,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="duration",
        target="models.duration:build",
        source="logistic regression on log-duration and its square",
        kind=CONTROL,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="svm",
        target="models.svm:build",
        source="Cortes & Vapnik 1995, RBF kernel on MFCC statistics",
        sources={MOTION: "Cortes & Vapnik 1995, RBF kernel on statistics of posture and movement"},
        without_effect={MOTION: SPECTRUM},
        kind=BASELINE,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="xgboost",
        target="models.xgboost:build",
        source="Chen & Guestrin 2016, on handcrafted statistics",
        sources={MOTION: "Chen & Guestrin 2016, on statistics of posture and movement"},
        without_effect={MOTION: SPECTRUM},
        kind=BASELINE,
        modalities=MODALITIES,
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
        name="minirocket",
        target="models.minirocket:build",
        source="Dempster et al. 2021, random convolutions and ridge regression",
        kind=BASELINE,
        slow=True,
        modalities=MODALITIES,
        optional_on=(SOUND,),
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
        without_effect={MOTION: (*IMAGES, "patience", "keep")},
        kind=NETWORK,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="cnn-gru",
        target="models.networks.cnn_gru:build",
        source="convolutions read by a GRU (Cho et al. 2014)",
        without_effect={MOTION: (*IMAGES, "patience", "keep")},
        kind=NETWORK,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="cnn-1d",
        target="models.networks.cnn_1d:build",
        source="convolutions on the raw series (Wang et al. 2017)",
        without_effect={MOTION: ("seconds",)},
        kind=NETWORK,
        modalities=MODALITIES,
        optional_on=(SOUND,),
    ),
    ModelSpec(
        name="gru",
        target="models.networks.gru:build",
        source="a GRU on the raw series (Cho et al. 2014)",
        without_effect={MOTION: ("seconds",)},
        kind=NETWORK,
        modalities=MODALITIES,
        optional_on=(SOUND,),
    ),
    ModelSpec(
        name="cnn-gru-1d",
        target="models.networks.cnn_gru_1d:build",
        source="DeepConvLSTM with a GRU on the raw series (Ordóñez & Roggen 2016)",
        without_effect={MOTION: ("seconds",)},
        kind=NETWORK,
        modalities=MODALITIES,
        optional_on=(SOUND,),
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
        name="planted-ranking-mlp",
        target="models.networks.planted_mlp:build",
        source="five perceptrons, planted ranking as an auxiliary loss (ours)",
        kind=NETWORK,
        optional=True,
    ),
    ModelSpec(
        name="planted-ranking-maps",
        target="models.networks.planted_resnet:build",
        source="resnet-maps, planted ranking as an auxiliary loss (ours)",
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
        name="ensemble-planted",
        target="models.ensemble:build",
        source="SVM (weight 2), perceptrons (2) and maps (1) with planted ranking",
        kind=ModelKind.ENSEMBLE,
        overrides={
            "members": ("svm-adventitious", "planted-ranking-mlp", "planted-ranking-maps"),
            "weights": (2, 2, 1),
        },
        optional=True,
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
    *(spec for backbone in BACKBONES for spec in semi_supervised_entries(backbone)),
    *(spec for card in ENCODERS.values() for spec in encoder_entries(card)),
    *(spec for card in ENCODERS.values() for spec in fine_tuned_entries(card)),
    *pretrained_entries(),
)

TRAINED_ON_SIMULATED = ("mil-windows", "mil-windows-aligned")
"""Entries that also train on simulated clips, so that a simulated corpus may hold the same ones to be tested."""
