"""Optional entries of the registry run only when they are named, and say so."""

from dataclasses import replace

import pytest

from respbench.benchmarks.cli import main
from respbench.benchmarks.storage.identity import model_identity
from respbench.models.registry import REGISTRY
from respbench.models.selection import find

PRETRAINED = {name for name, spec in REGISTRY.items() if "pretraining" in spec.overrides}

OPTIONAL = {
    "ensemble-planted",
    "mil-windows",
    "mil-windows-aligned",
    "mlp",
    "planted-ranking-maps",
    "planted-ranking-mlp",
    "planted-ranking-waveform",
    "quant",
    "resnet-waveform",
    "scattering",
    *PRETRAINED,
}
"""Beside the semi-supervised ones, which run under a label budget, and the probes of encoders."""

PROBES = {name for name, spec in REGISTRY.items() if "encoder" in spec.overrides}


def test_optional_models_are_left_out_unless_named() -> None:
    semi_supervised = {name for name, spec in REGISTRY.items() if "backbone" in spec.overrides}
    optional = OPTIONAL | PROBES | semi_supervised
    assert {name for name, spec in REGISTRY.items() if spec.optional} == optional
    assert [spec.name for spec in find()] == [name for name in REGISTRY if name not in optional]
    assert [spec.name for spec in find("scattering,prior")] == ["scattering", "prior"]


def test_the_list_marks_optional_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = {line.split()[0] for line in lines if line.endswith("(only when named)")}
    assert told == OPTIONAL


def test_being_optional_makes_no_stored_result_stale() -> None:
    spec = REGISTRY["svm"]
    assert model_identity(replace(spec, optional=True)) == model_identity(spec)
