"""How often a model is fitted: cheap ones more often, unless the user sets a number for all."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from respbench.benchmarks.plan import Plan, status_of
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.corpora import catalog
from respbench.corpora.protocols import find, find_stored
from respbench.corpora.simulated.simulation import Simulation
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind, ModelSpec

ENSEMBLE = REGISTRY["ensemble"]
OWN = ModelSpec(name="own", target="own.py:build", source="a user", kind=ModelKind.OWN)
OF_BASELINES = replace(ENSEMBLE, overrides={"members": ("svm", "xgboost")})


def plan(simulated: bool = False, protocol: str = "patients-5fold", **more: Any) -> Plan:
    prepared: Any = SimpleNamespace(facts=lambda: SimpleNamespace(simulated=simulated))
    return Plan(prepared=prepared, task="abnormal", protocol=find(protocol), specs=(), results=Path(), **more)


@pytest.mark.parametrize("name", ["prior", "metadata", "svm", "xgboost-adventitious", "scattering"])
def test_cheap_models_have_ten_repeats_and_three_of_them_tuned(name: str) -> None:
    assert plan().repeats_of(REGISTRY[name]) == 10
    assert plan(protocol="random-5fold").repeats_of(REGISTRY[name]) == 10
    on_both = replace(plan(), protocol=find_stored("multi-corpus-with-b"))
    assert on_both.repeats_of(REGISTRY[name]) == 10, "as many as of patients-5fold, which it is compared with"
    assert plan().tuned_repeats_of(REGISTRY[name]) == 3


@pytest.mark.parametrize("spec", [*map(REGISTRY.get, ("quant", "cnn", "mlp", "fixmatch-mlp")), OWN])
def test_slow_models_and_those_of_users_have_three(spec: ModelSpec) -> None:
    assert plan().repeats_of(spec) == plan().tuned_repeats_of(spec) == 3


def test_an_ensemble_has_as_many_as_its_members_allow() -> None:
    assert plan().repeats_of(ENSEMBLE) == 3
    assert plan().repeats_of(OF_BASELINES) == 10


@pytest.mark.parametrize("name", ["prior", "svm", "cnn", "ensemble"])
def test_all_have_one_number_where_pairs_are_compared_or_the_user_says_so(name: str) -> None:
    spec = REGISTRY[name]
    assert plan(protocol="patients-5fold-labels10").repeats_of(spec) == 3
    assert replace(plan(), protocol=find("patients-5fold").for_ablation()).repeats_of(spec) == 3
    assert plan(repeats=5).repeats_of(spec) == plan(repeats=5).tuned_repeats_of(spec) == 5
    assert plan(simulated=True).repeats_of(spec) == plan(simulated=True).tuned_repeats_of(spec) == 1
    assert plan(simulated=True, repeats=2).repeats_of(spec) == 2


def test_a_plan_has_the_fits_of_each_models_own_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "repeats_of", lambda self, spec: {"prior": 4, "metadata": 4, "mlp": 2}[spec.name])
    prepared = catalog.open_corpus("simulated", simulation=Simulation(patients=12, clips_per_patient=4, seed=1))
    specs = tuple(REGISTRY[name] for name in ("prior", "metadata", "mlp"))
    asked = replace(plan(), prepared=prepared, protocol=find("patients-2fold"), specs=specs, trials=2)
    status = status_of(replace(asked, results=tmp_path), Store(tmp_path))
    expected = {"prior": 4, "metadata": 4, "mlp": 2, "metadata-tuned": 3, "mlp-tuned": 2}
    keys = [
        FitKey(name, seed, fold) for name, repeats in expected.items() for seed in range(repeats) for fold in (0, 1)
    ]
    assert sorted(job.key for job in status.jobs) == sorted(keys)
