"""The entries of semi-supervised methods, one per method and backbone. Imports nothing heavy."""

from respbench.corpora.choices import MODALITIES, SOUND
from respbench.models.semi_supervised.settings import baseline_settings, method_settings
from respbench.models.spec import ModelKind, ModelSpec

SEMI_SUPERVISED = {
    "autoencoder": ("autoencoder", "reconstruction (Yang et al. 2022)"),
    "pi-model": ("pi_model", "consistency of two passes (Laine & Aila 2017)"),
    "vat": ("vat", "virtual adversarial training (Miyato et al. 2018)"),
    "pseudo-label": ("pseudo_label", "confident predictions as labels (Lee 2013)"),
    "mean-teacher": ("mean_teacher", "averaged weights (Tarvainen & Valpola 2017)"),
    "fixmatch": ("fixmatch", "weak view teaches strong view (Sohn et al. 2020)"),
    "softmatch": ("softmatch", "weights by confidence (Chen et al. 2023)"),
    "freematch": ("freematch", "thresholds by confidence (Wang et al. 2023)"),
    "adamatch": ("adamatch", "aligned with labeled clips (Berthelot et al. 2022)"),
    "vicreg": ("vicreg", "self-supervised first (Bardes et al. 2022)"),
    "planted": ("planted", "a clip with a sound planted in it is more abnormal (ours)"),
}
"""File in models/semi_supervised/ and source of each method; one line here gives one entry per backbone."""

BACKBONES = {
    "mlp": "respbench.models.semi_supervised.backbones:MLP",
    "cnn": "respbench.models.semi_supervised.backbones:CNN",
    "cnn-gru": "respbench.models.semi_supervised.backbones:CNN_GRU",
    "resnet-maps": "respbench.models.semi_supervised.backbones:RESNET_MAPS",
    "cnn-1d": "respbench.models.semi_supervised.backbones:CNN_1D",
    "gru": "respbench.models.semi_supervised.backbones:GRU",
    "cnn-gru-1d": "respbench.models.semi_supervised.backbones:CNN_GRU_1D",
}
"""The networks that every semi-supervised method is run with: those on columns and images of sounds, cheapest first,
then those on raw series."""

OF_SOUND_ALONE = ("mlp", "resnet-maps", "planted", "planted-labeled")
"""The backbones and methods that are made for sounds; all others take movements, too."""


def semi_supervised_entries(backbone: str) -> list[ModelSpec]:
    """The methods over a backbone, and the supervised baseline that each is compared with.

    They run under a label budget, or when named.
    """
    baseline = ModelSpec(
        name=f"supervised-{backbone}",
        target="respbench.models.semi_supervised.supervised:build",
        source="twin of the methods, sees no unlabeled clip",
        kind=ModelKind.NETWORK,
        overrides={"backbone": backbone, **baseline_settings(backbone)},
        components=(BACKBONES[backbone],),
        optional=True,
        modalities=(SOUND,) if backbone in OF_SOUND_ALONE else MODALITIES,
    )

    def method(name: str, file: str, source: str, unlabeled: bool = True) -> ModelSpec:
        return ModelSpec(
            name=f"{name}-{backbone}",
            target=f"respbench.models.semi_supervised.{file}:build",
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
        *(method(name, file, source) for name, (file, source) in SEMI_SUPERVISED.items()),
        # How much the planted sounds add by themselves: the rest of the gain of `planted` is due to D_U.
        method("planted-labeled", SEMI_SUPERVISED["planted"][0], "the same in labeled clips alone", unlabeled=False),
    ]
