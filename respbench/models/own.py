"""Model files of the user's own, outside the clone: imported and checked."""

import inspect
from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from types import ModuleType

from respbench.corpora.problems import InputError
from respbench.models.spec import module_at


def checked_module(path: Path) -> ModuleType:
    """Import a model file and check that a run can call its ``build``.

    Raises:
        InputError: it can't be imported, or has no ``build`` that takes a seed and parameters with defaults.
    """
    try:
        module = module_at(path.resolve())
        build, _ = getattr(module, "build", None), bool(getattr(module, "UNLABELED", False))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may raise one of its own
        raise InputError(f"{path} can't be imported ({_said(error)}); correct it") from error
    if not callable(build):
        raise InputError(f"{path} has no function build(*, seed, **parameters); add it (see CONTRIBUTING.md)")
    _check_signature(path, build)
    return module


def _said(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # an error of the user's own may fail to say what it is
        return type(error).__name__


def _check_signature(path: Path, build: Callable[..., object]) -> None:
    """Check that ``build`` can be called with a seed and parameters that all have a default."""
    by_name = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = dict(inspect.signature(build).parameters)
    except Exception as error:
        raise InputError(f"{path}: the parameters of build are unknown ({error}); define it with def") from error
    seed = parameters.pop("seed", None)
    if seed is None or seed.kind not in by_name:
        raise InputError(f"{path}: build takes no seed; define it as build(*, seed, …)")
    for name, parameter in parameters.items():
        if parameter.kind not in by_name:
            raise InputError(f"{path}: build takes {parameter}; name its parameters, each with a default (depth=3)")
        if parameter.default is Parameter.empty:
            raise InputError(f"{path}: the parameter {name} of build has no default; give it one ({name}=…)")
