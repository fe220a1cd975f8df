"""The models by name. Adding one = one file in this folder (or a folder in it) + one line in ``REGISTRY``.

A model file holds ``build(*, seed, **parameters) -> Model``, whose keyword defaults are the model's default parameters,
and optionally ``space(trial) -> dict``, the parameters that Optuna tries.
"""

from respbench.corpora.choices import MODALITIES, MOTION, SOUND
from respbench.features.encoders.catalog import ENCODERS
from respbench.models.encoder_entries import encoder_entries, fine_tuned_entries
from respbench.models.pretraining.entries import pretrained_entries
from respbench.models.semi_supervised.entries import BACKBONES, semi_supervised_entries
from respbench.models.spec import ModelKind, ModelSpec

CONTROL, BASELINE, NETWORK = ModelKind.CONTROL, ModelKind.BASELINE, ModelKind.NETWORK

LECTURE = {"standardise": False, "class_weights": False, "patience": None, "keep": "accuracy"}
"""The practical's own recipe: best validation accuracy of 16 epochs, no weighting, no standardization."""

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


REGISTRY = _entries(
    ModelSpec(
        name="prior",
        target="respbench.models.prior:build",
        source="class frequencies of the training clips",
        kind=CONTROL,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="metadata",
        target="respbench.models.metadata:build",
        source="logistic regression on device, location, duration",
        kind=CONTROL,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="duration",
        target="respbench.models.duration:build",
        source="logistic regression on log-duration and its square",
        kind=CONTROL,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="svm",
        target="respbench.models.svm:build",
        source="Cortes & Vapnik 1995, RBF kernel on MFCC statistics",
        sources={MOTION: "Cortes & Vapnik 1995, RBF kernel on statistics of posture and movement"},
        without_effect={MOTION: SPECTRUM},
        kind=BASELINE,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="xgboost",
        target="respbench.models.xgboost:build",
        source="Chen & Guestrin 2016, on handcrafted statistics",
        sources={MOTION: "Chen & Guestrin 2016, on statistics of posture and movement"},
        without_effect={MOTION: SPECTRUM},
        kind=BASELINE,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="svm-adventitious",
        target="respbench.models.svm_adventitious:build",
        source="RBF kernels on wheezes, crackles",
        kind=BASELINE,
    ),
    ModelSpec(
        name="xgboost-adventitious",
        target="respbench.models.xgboost_adventitious:build",
        source="trees on the same columns",
        kind=BASELINE,
    ),
    ModelSpec(
        name="quant",
        target="respbench.models.quant:build",
        source="Dempster et al. 2024, on log-mel bands",
        kind=BASELINE,
        optional=True,
        slow=True,
    ),
    ModelSpec(
        name="minirocket",
        target="respbench.models.minirocket:build",
        source="Dempster et al. 2021, random convolutions and ridge regression",
        kind=BASELINE,
        slow=True,
        modalities=MODALITIES,
        optional_on=(SOUND,),
    ),
    ModelSpec(
        name="scattering",
        target="respbench.models.scattering:build",
        source="Andén & Mallat 2014, RBF kernel",
        kind=BASELINE,
        optional=True,
    ),
    ModelSpec(
        name="cnn-lecture",
        target="respbench.models.networks.cnn:build",
        source="the practical's two-layer CNN, as taught",
        kind=NETWORK,
        overrides=LECTURE,
        fixed=True,
    ),
    ModelSpec(
        name="cnn",
        target="respbench.models.networks.cnn:build",
        source="the practical's two-layer CNN, trained with care",
        without_effect={MOTION: (*IMAGES, "patience", "keep")},
        kind=NETWORK,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="cnn-gru",
        target="respbench.models.networks.cnn_gru:build",
        source="convolutions read by a GRU (Cho et al. 2014)",
        without_effect={MOTION: (*IMAGES, "patience", "keep")},
        kind=NETWORK,
        modalities=MODALITIES,
    ),
    ModelSpec(
        name="cnn-1d",
        target="respbench.models.networks.cnn_1d:build",
        source="convolutions on the raw series (Wang et al. 2017)",
        without_effect={MOTION: ("seconds",)},
        kind=NETWORK,
        modalities=MODALITIES,
        optional_on=(SOUND,),
    ),
    ModelSpec(
        name="gru",
        target="respbench.models.networks.gru:build",
        source="a GRU on the raw series (Cho et al. 2014)",
        without_effect={MOTION: ("seconds",)},
        kind=NETWORK,
        modalities=MODALITIES,
        optional_on=(SOUND,),
    ),
    ModelSpec(
        name="cnn-gru-1d",
        target="respbench.models.networks.cnn_gru_1d:build",
        source="DeepConvLSTM with a GRU on the raw series (Ordóñez & Roggen 2016)",
        without_effect={MOTION: ("seconds",)},
        kind=NETWORK,
        modalities=MODALITIES,
        optional_on=(SOUND,),
    ),
    ModelSpec(
        name="resnet-maps",
        target="respbench.models.networks.resnet:build",
        source="small residual network (He et al. 2016) on sound maps",
        kind=NETWORK,
    ),
    ModelSpec(
        name="mlp",
        target="respbench.models.networks.mlp:build",
        source="perceptron on handcrafted columns",
        kind=NETWORK,
        optional=True,
    ),
    ModelSpec(
        name="planted-ranking-mlp",
        target="respbench.models.networks.planted_mlp:build",
        source="five perceptrons, planted ranking as an auxiliary loss (ours)",
        kind=NETWORK,
        optional=True,
    ),
    ModelSpec(
        name="planted-ranking-maps",
        target="respbench.models.networks.planted_resnet:build",
        source="resnet-maps, planted ranking as an auxiliary loss (ours)",
        kind=NETWORK,
        optional=True,
    ),
    ModelSpec(
        name="resnet-waveform",
        target="respbench.models.networks.resnet_waveform:build",
        source="small residual network behind filterbanks on the waveform (Zeghidour et al. 2018)",
        kind=NETWORK,
        optional=True,
    ),
    ModelSpec(
        name="planted-ranking-waveform",
        target="respbench.models.networks.planted_waveform:build",
        source="resnet-waveform, planted ranking as an auxiliary loss (ours)",
        kind=NETWORK,
        optional=True,
    ),
    ModelSpec(
        name="ensemble",
        target="respbench.models.ensemble:build",
        source="SVM (weight 3), trees, network",
        kind=ModelKind.ENSEMBLE,
        overrides={"weights": (3, 1, 1)},
    ),
    ModelSpec(
        name="ensemble-planted",
        target="respbench.models.ensemble:build",
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
        target="respbench.models.multiple_instance:build",
        source="multiple-instance learning on windows, real and simulated (Ramon & De Raedt 2000)",
        kind=BASELINE,
        optional=True,
    ),
    ModelSpec(
        name="mil-windows-aligned",
        target="respbench.models.multiple_instance:build",
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
