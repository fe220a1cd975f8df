"""Networks of the library transformers, built from a folder as it publishes them: a config and weights, both local.

Only its classes are used: the file of weights is read by `features.encoders.checkpoint`, no code of a folder is run and
nothing is looked up or downloaded.
"""

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from respbench.corpora.problems import InputError
from respbench.features.encoders.checkpoint import check_names

CLASSES = {
    "ASTModel": ("audio_spectrogram_transformer", "ASTConfig"),
    "ClapAudioModel": ("clap", "ClapAudioConfig"),
    "ClapAudioModelWithProjection": ("clap", "ClapAudioConfig"),
    "ViTModel": ("vit", "ViTConfig"),
}
"""The classes of transformers that are used, each with the folder that it is in and its class of settings."""


def read_config(path: Path, kind: str, part: str = "") -> dict[str, Any]:
    """Read the settings of a network.

    Args:
        path: of the ``config.json``.
        kind: the ``model_type`` that it has to state.
        part: the entry that holds the settings, if the network is a part of a larger one.

    Raises:
        InputError: it is not of that kind.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is no JSON file; fetch it again") from error
    if not isinstance(config, dict) or config.get("model_type") != kind:
        found = config.get("model_type") if isinstance(config, dict) else None
        raise InputError(f"{path} is of the model_type {found!r}, expected is {kind!r}; put the published folder there")
    inner = config.get(part) if part else config
    if not isinstance(inner, dict):
        raise InputError(f"{path} lacks the entry {part!r}; put the published folder there")
    return inner


def build(kind: str, settings: Mapping[str, Any], weights: Mapping[str, Tensor], path: Path, what: str) -> Any:
    """Build a network with weights under the names that transformers publishes, all of which must be its own.

    Args:
        kind: a key of `CLASSES`.
        settings: as from `read_config`; those that the network does not have are passed over.
        weights: by name.
        path: of their file, for messages.
        what: names the architecture, for messages.

    Raises:
        InputError: settings or weights are not those of the architecture.
    """
    folder, config = CLASSES[kind]
    start = f"transformers.models.{folder}"
    make = getattr(importlib.import_module(f"{start}.configuration_{folder}"), config)
    model = getattr(importlib.import_module(f"{start}.modeling_{folder}"), kind)
    try:
        made = make(**{name: value for name, value in settings.items() if name != "dtype"})
    except Exception as error:
        # Whatever its validation raises, the config is at fault.
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the config beside {path} is not one of {what} ({problem}); fetch it again") from error
    with _silence():
        try:
            network, found = model.from_pretrained(
                None, config=made, state_dict=dict(weights), output_loading_info=True, ignore_mismatched_sizes=True
            )
        except RuntimeError as error:
            raise InputError(f"{path} does not fit the config beside it; fetch both again") from error
    check_names(found["missing_keys"], found["unexpected_keys"], path, what)
    for name in sorted(str(key[0]) for key in found["mismatched_keys"])[:1]:
        raise InputError(f"{path} is no checkpoint of {what}: {name} has another shape; put the published file there")
    return network


@contextmanager
def _silence() -> Iterator[None]:
    """Transformers shows no progress and reports nothing inside: what it finds is checked here."""
    logging: Any = importlib.import_module("transformers.utils.logging")
    bar, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
