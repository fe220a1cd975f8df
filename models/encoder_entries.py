"""The entries of frozen encoders: one per encoder and probe. Imports nothing heavy."""

from features.encoders.encoder import EncoderCard
from models.spec import ModelKind, ModelSpec

PROBES = {
    "logistic": ("models.encoder_logistic:build", "logistic regression"),
    "svm": ("models.encoder_svm:build", "RBF kernel"),
}
"""The classifiers on embeddings of a frozen encoder, each of which makes one entry per encoder."""


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
            depends="models.encoder_probe:state_of",
            optional=True,
            slow=True,
        )
        for probe, (target, classifier) in PROBES.items()
    ]
