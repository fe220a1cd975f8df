"""The parts that networks on raw series share: convolutions along time, and a front end that shortens long series."""

from torch import nn

SERIES_STRIDE = 4


def convolution(channels: int, width: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """(batch, channels, 1, samples) to (batch, width, 1, samples / stride), normalized and rectified."""
    # Two-dimensional with one band, so that series pass through the same loop, augmentation and layout as images.
    return nn.Sequential(
        nn.Conv2d(channels, width, (1, kernel), (1, stride), padding=(0, kernel // 2), bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )


class Shorten(nn.Sequential):
    """Strided convolutions until few enough steps are left; none for a series that is short.

    A waveform of 16,000 samples becomes 250 steps by three of them (the large first strides of Dai et al. 2017,
    doi:10.1109/ICASSP.2017.7952190).

    Args:
        channels: of the series.
        samples: of the series.
        most: steps that may be left.
        width: channels of each convolution.

    Attributes:
        channels: of the result.
        steps: of the result.
    """

    def __init__(self, channels: int, samples: int, most: int, width: int = 32) -> None:
        super().__init__()
        while samples > most:
            self.append(convolution(channels, width, 2 * SERIES_STRIDE + 1, SERIES_STRIDE))
            channels, samples = width, -(-samples // SERIES_STRIDE)
        self.channels, self.steps = channels, samples
