"""The practical's two-layer CNN, written by hand: a model file of the reader's own.

make benchmark MODEL=docs/practical/two_layers.py
"""

from torch import Tensor, nn

from respbench.models.networks.backbone import Backbone
from respbench.models.networks.network import NetworkModel, image_extractor
from respbench.models.networks.recipe import Recipe


class TwoLayers(Backbone):
    """Convolution 16, pool, convolution 32, pool, dense 128, dense."""

    def __init__(self, size: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        channels, bands, frames = size
        self.features = nn.Sequential(
            nn.Conv2d(channels, 16, kernel_size=3, padding=1),  # (batch, 16, bands, frames)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (batch, 16, bands / 2, frames / 2)
            nn.Conv2d(16, 32, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (batch, 32, bands / 4, frames / 4)
            nn.Flatten(),
            nn.Linear(32 * (bands // 4) * (frames // 4), 128),
            nn.ReLU(),
        )
        self.last = nn.Linear(128, outputs)

    def encode(self, images: Tensor) -> Tensor:
        """(batch, channels, bands, frames) to (batch, 128)."""
        return self.features(images)

    def classify(self, features: Tensor) -> Tensor:
        """(batch, 128) to logits (batch, outputs)."""
        return self.last(features)


def build(*, seed: int, epochs: int = 16, batch_size: int = 16, learning_rate: float = 1e-3) -> NetworkModel:
    """What the suite calls: an unfitted model, all of whose randomness follows from the seed."""
    recipe = Recipe(epochs, batch_size, learning_rate, keep="balanced_accuracy")
    return NetworkModel(TwoLayers, image_extractor("resized", n_mels=128, n_fft=512, hop=64), recipe, seed)
