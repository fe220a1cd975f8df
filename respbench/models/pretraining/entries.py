"""The entries of networks that start from pretrained weights, per network and pretraining. Imports nothing heavy."""

from respbench.models.spec import ModelKind, ModelSpec

PRETRAININGS = {
    "simulated": ("respbench.models.pretraining.simulated:SIMULATED", "simulated breaths"),
    "planted": ("respbench.models.pretraining.planted:PLANTED", "planted sounds"),
    "simulated-planted": (
        "respbench.models.pretraining.planted:SIMULATED_THEN_PLANTED",
        "simulated breaths, then planted sounds",
    ),
    "other-corpus": (
        "respbench.models.pretraining.other_corpus:OtherCorpus",
        "another corpus, by `respbench pretrain`",
    ),
}
"""Adding a pretraining = one file in this folder + one line here; it gets one entry per network below."""

NETWORKS = {
    "cnn": "respbench.models.networks.cnn:build",
    "cnn-gru": "respbench.models.networks.cnn_gru:build",
    "resnet-maps": "respbench.models.networks.resnet:build",
}
"""The networks of the registry that have such entries."""


def pretrained_entries() -> list[ModelSpec]:
    """Every network after every pretraining; they run when named, since some weights take minutes, or must be made."""
    return [
        ModelSpec(
            name=f"{network}-{pretraining}",
            target="respbench.models.pretraining.pretrained:build",
            source=f"{network}, pretrained on {source}",
            kind=ModelKind.NETWORK,
            overrides={"network": network, "pretraining": pretraining},
            components=(built, target),
            depends="respbench.models.pretraining.pretrained:state",
            optional=True,
            fixed=True,
        )
        for network, built in NETWORKS.items()
        for pretraining, (target, source) in PRETRAININGS.items()
    ]
