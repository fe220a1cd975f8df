"""The supervised baseline of the semi-supervised methods: the same network and training, without unlabeled clips."""

from respbench.models.networks.network import NetworkModel
from respbench.models.semi_supervised.builder import build_ssl_model


def build(*, seed: int, backbone: str = "cnn", epochs: int = 15, steps: int = 20) -> NetworkModel:
    """See `build_ssl_model`."""
    return build_ssl_model(backbone, None, seed, alpha=0.0, ramp=0.0, ratio=0, epochs=epochs, steps=steps)
