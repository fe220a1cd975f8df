"""openSMILE 3 (Eyben et al. 2010, doi:10.1145/1873951.1874246): fixed sets of acoustic measures, nothing is learned.

The library and its settings are files of the wheel ``opensmile``. Only the wheel's file that binds the library is
executed: the rest of the package needs a dozen packages for tables of files and segments.
"""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16000
SHARED = "config/shared"


class OpenSmile:
    """Functionals of one set of measures.

    Args:
        binding: the wheel's file that binds the library.
        settings: the file of the set.
        size: numbers of the set.
    """

    def __init__(self, binding: Path, settings: Path, size: int) -> None:
        self.library = _module_at(binding)
        shared = binding.parent / SHARED
        self.settings, self.size = settings, size
        self.options = {
            "source": str(shared / "standard_external_wave_input.conf.inc"),
            "sampleRate": RATE,
            "nBits": 16,
            "sink": str(shared / "standard_external_data_output_single.conf.inc"),
            "sinkLevel": "func",
            "bufferModeRbConf": str(shared / "BufferModeRb.conf.inc"),
            "frameModeFunctionalsConf": str(shared / "FrameModeFunctionals.conf.inc"),
        }

    def __call__(self, waves: NDArray[np.float32]) -> NDArray[np.float32]:
        """(clips, samples) at 16 kHz to (clips, size); what can't be measured is 0, as in a clip that is too short."""
        rows = np.zeros((len(waves), self.size), np.float32)
        for row, wave in zip(rows, waves, strict=True):
            found = self._measure(wave)
            if found is not None:
                row[:] = np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
        return rows

    def _measure(self, wave: NDArray[np.float32]) -> NDArray[np.float32] | None:
        found: list[NDArray[np.float32]] = []
        samples = (wave * 2**15).clip(-(2**15), 2**15 - 1).astype(np.int16)
        smile: Any = self.library.OpenSMILE()
        smile.initialize(config_file=str(self.settings), options=self.options, loglevel=0)
        try:
            smile.external_sink_set_callback_ex("extsink", lambda data, meta: found.append(data.copy()))
            smile.external_audio_source_write_data("extsource", samples.tobytes())
            smile.external_audio_source_set_eoi("extsource")
            smile.run()
        finally:
            smile.free()
        return found[-1].ravel() if found else None


def _module_at(path: Path) -> ModuleType:
    """Execute one file of a package without the package."""
    name = "respbench_opensmile_binding"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


def load_egemaps(files: Sequence[Path]) -> OpenSmile:
    """The extended Geneva minimalistic set, version 2 (Eyben et al. 2016, doi:10.1109/TAFFC.2015.2457417)."""
    return OpenSmile(files[0], files[1], 88)


def load_compare(files: Sequence[Path]) -> OpenSmile:
    """The set of the ComParE challenges since 2013, as of 2016 (Schuller et al. 2016)."""
    return OpenSmile(files[0], files[1], 6373)
