"""The entries of encoders: probes of them, frozen, and the fine-tuned ones. Imports nothing heavy."""

from respbench.features.encoders.encoder import EncoderCard
from respbench.models.spec import ModelKind, ModelSpec

PROBES = {
    "logistic": ("respbench.models.encoder_logistic:build", "logistic regression"),
    "svm": ("respbench.models.encoder_svm:build", "RBF kernel"),
}
"""The classifiers on embeddings of a frozen encoder, each of which makes one entry per encoder."""

FROZEN_ALONE = ("birdnet", "egemaps", "compare")
"""Encoders that are no network of torch, and so can't be trained further."""


def encoder_entries(card: EncoderCard) -> list[ModelSpec]:
    """The probes of an encoder. They run when named, since its package or weights may be missing."""
    return [
        ModelSpec(
            name=f"{card.name}-{probe}",
            target=target,
            source=f"{card.source}, frozen; {classifier}",
            kind=ModelKind.BASELINE,
            overrides={"encoder": card.name},
            components=(card.target,),
            depends="respbench.models.encoder_probe:state_of",
            optional=True,
            slow=True,
        )
        for probe, (target, classifier) in PROBES.items()
    ]


def fine_tuned_entries(card: EncoderCard) -> list[ModelSpec]:
    """An encoder that is trained further; of one that can't be, none. It runs when named, like its probes."""
    if card.name in FROZEN_ALONE:
        return []
    return [
        ModelSpec(
            name=f"{card.name}-fine-tuned",
            target="respbench.models.networks.fine_tuned:build",
            source=f"{card.source}, trained further",
            kind=ModelKind.NETWORK,
            overrides={"encoder": card.name},
            components=(card.target,),
            depends="respbench.models.networks.fine_tuned:state_of",
            optional=True,
            slow=True,
        )
    ]
