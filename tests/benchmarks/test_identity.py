"""The identity of a stored fit or study changes with what it was computed from, and with nothing else."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from respbench.benchmarks.storage import identity
from respbench.benchmarks.storage.identity import fit_identity, model_identity, study_identity
from respbench.benchmarks.tuning.study import tunable
from respbench.corpora.catalog import open_corpus
from respbench.corpora.code_identity.identity import NOT_FOLLOWED, PACKAGES, CodeBase
from respbench.corpora.protocols import find
from respbench.corpora.simulated.simulation import Simulation
from respbench.models.registry import REGISTRY
from respbench.models.selection import from_file
from respbench.models.semi_supervised.entries import SEMI_SUPERVISED
from respbench.models.spec import ModelSpec

ROOT = Path(__file__).resolve().parents[2] / "respbench"
METHODS = (*SEMI_SUPERVISED, "planted-labeled")
NETWORKS = {name for name, spec in REGISTRY.items() if spec.kind == "network" or "backbone" in spec.overrides}
ENSEMBLE = REGISTRY["ensemble"]

Identities = dict[str, str]
Edit = Callable[[str, str, str], tuple[set[str], set[str]]]


def over(backbone: str) -> set[str]:
    """Entries that are built on a network."""
    pretrained = {name for name, spec in REGISTRY.items() if spec.overrides.get("network") == backbone}
    return {backbone, f"supervised-{backbone}", *(f"{method}-{backbone}" for method in METHODS), *pretrained}


@pytest.fixture(scope="module")
def edit(tmp_path_factory: pytest.TempPathFactory) -> Edit:
    """Edit a copy of the code: returns the entries whose fits, and those whose studies, are another's then."""
    root = tmp_path_factory.mktemp("code")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))

    def identities() -> tuple[Identities, Identities]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(identity, "code_identity", CodeBase(root, PACKAGES, NOT_FOLLOWED).identity)
            fits = {name: model_identity(spec) for name, spec in REGISTRY.items()}
            return fits, {name: study_identity(fits[name], spec) for name, spec in REGISTRY.items() if tunable(spec)}

    before = identities()

    def edited(file: str, old: str, new: str) -> tuple[set[str], set[str]]:
        path = root / file
        source = path.read_text(encoding="utf-8")
        assert old in source
        path.write_text(source.replace(old, new, 1), encoding="utf-8")
        try:
            fits, studies = identities()
        finally:
            path.write_text(source, encoding="utf-8")
        return (
            {name for name, value in fits.items() if value != before[0][name]},
            {name for name, value in studies.items() if value != before[1][name]},
        )

    return edited


# Code


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models/networks/cnn.py", '"""', '"""Better explained: '),
        ("models/networks/training.py", "\n\n\n", "\n\n\n# A comment.\n\n\n"),
        ("benchmarks/tuning/study.py", '"""', '"""Better explained: '),
        ("benchmarks/report/pages.py", "def ", "def another_"),
        ("models/registry.py", '"prior"', '"other"'),
    ],
)
def test_edits_that_compute_nothing_change_no_identity(edit: Edit, file: str, old: str, new: str) -> None:
    assert edit(file, old, new) == (set(), set())


def test_an_edit_of_a_space_changes_the_studies_that_draw_from_it_alone(edit: Edit) -> None:
    fits, studies = edit("models/networks/cnn.py", '"n_mels", [64, 128]', '"n_mels", [64]')
    assert fits == set()
    assert studies == {"cnn", "cnn-gru"}  # whose space adds to that of the CNN


@pytest.mark.parametrize(
    ("file", "backbone", "more"),
    [
        ("mlp", "mlp", {"planted-ranking-mlp", "ensemble-planted"}),
        ("cnn", "cnn", {"cnn-lecture"}),
        ("resnet", "resnet-maps", {"ensemble", "planted-ranking-maps", "ensemble-planted"}),
    ],
)
def test_an_edit_of_a_network_changes_what_is_built_on_it_alone(
    edit: Edit, file: str, backbone: str, more: set[str]
) -> None:
    fits, _ = edit(f"models/networks/{file}.py", "    recipe = Recipe(", "    seed += 1\n    recipe = Recipe(")
    assert fits == over(backbone) | more


def test_an_edit_of_a_method_changes_it_over_every_backbone(edit: Edit) -> None:
    fits, studies = edit("models/semi_supervised/vat.py", "clean.exp()", "clean.exp2()")
    assert fits == {name for name in REGISTRY if name.startswith("vat-")} == studies


def test_an_edit_of_the_settings_of_a_backbone_changes_the_methods_over_it(edit: Edit) -> None:
    fits, _ = edit("models/semi_supervised/backbones.py", "batch_size=32", "batch_size=16")
    assert fits == over("mlp") - {"mlp"}


def test_an_edit_of_the_training_loop_changes_every_network(edit: Edit) -> None:
    fits, _ = edit("models/networks/training.py", "def train(", "def train(_=0, *, ")
    assert fits == NETWORKS | {"ensemble", "ensemble-planted"}


def test_an_edit_of_a_constant_deep_down_is_noticed(edit: Edit) -> None:
    fits, _ = edit("features/spectral.py", "POWER_FLOOR = ", "POWER_FLOOR = 2 * ")
    assert {"svm", "cnn", "vat-cnn-gru", "ensemble"} <= fits
    assert not fits & {"prior", "metadata", "duration"}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("benchmarks/tuning/study.py", "WARM_UP = ", "WARM_UP = 1 + "),
        ("benchmarks/tuning/study.py", "BATCH = ", "BATCH = 1 + "),
        ("benchmarks/tuning/folds.py", "LeavePatientsOut(4)", "LeavePatientsOut(5)"),
        ("benchmarks/tuning/study.py", "number == 0", "number == 1"),
    ],
)
def test_an_edit_of_the_tuning_changes_every_study_and_no_fit(edit: Edit, file: str, old: str, new: str) -> None:
    fits, studies = edit(file, old, new)
    assert fits == set()
    assert studies == {name for name, spec in REGISTRY.items() if tunable(spec)}


def test_a_file_of_a_user_is_identified_by_its_code_and_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("WEIGHT = 1\n", encoding="utf-8")
    own = tmp_path / "my_model.py"
    own.write_text('"""Mine."""\n\ndef build(*, seed, weight=1.0):\n    import beside\n', encoding="utf-8")
    spec = from_file(own)
    seen = [model_identity(spec)]
    own.write_text(own.read_text(encoding="utf-8").replace("Mine", "My own"), encoding="utf-8")
    seen.append(model_identity(spec))
    own.write_text(own.read_text(encoding="utf-8") + "    return beside.WEIGHT\n", encoding="utf-8")
    seen.append(model_identity(spec))
    (tmp_path / "beside.py").write_text("WEIGHT = 2\n", encoding="utf-8")
    seen.append(model_identity(spec))
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


# Parameters, members, data, protocol, libraries


def with_parameters(spec: ModelSpec, **parameters: object) -> ModelSpec:
    return replace(spec, overrides={**spec.overrides, **parameters})


def test_parameters_count_and_what_is_said_about_an_entry_does_not() -> None:
    spec = REGISTRY["svm"]
    assert model_identity(with_parameters(spec, C=2.0)) != model_identity(spec)
    assert model_identity(replace(spec, source="another paper", optional=True, name="other")) == model_identity(spec)
    assert model_identity(replace(spec, unlabeled=True)) != model_identity(spec)


def test_every_entry_has_an_identity_of_its_own() -> None:
    assert len({model_identity(spec) for spec in REGISTRY.values()}) == len(REGISTRY)


def test_an_ensemble_is_identified_by_its_members(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {
        model_identity(with_parameters(ENSEMBLE, members=members, weights=None))
        for members in (("prior", "svm", "metadata"), ("prior", "svm"), ("svm", "metadata"))
    }
    before = model_identity(ENSEMBLE)
    assert len(seen | {before}) == 4
    monkeypatch.setitem(REGISTRY, "another", replace(REGISTRY["svm"], name="another", overrides={"C": 9.0}))
    assert model_identity(ENSEMBLE) == before
    for member in ENSEMBLE.parameters()["members"]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(REGISTRY, member, with_parameters(REGISTRY[member], n_fft=512))
            assert model_identity(ENSEMBLE) != before


def test_data_task_protocol_and_libraries_count(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, protocol = REGISTRY["prior"], find("patients-3fold")
    small, other = (
        open_corpus("simulated", simulation=Simulation(patients=4, clips_per_patient=2, seed=seed)) for seed in (0, 1)
    )
    plain = fit_identity(small, "abnormal", protocol, spec)
    assert plain == fit_identity(small, "abnormal", replace(protocol, explanation="another", warning="none"), spec)
    seen = [
        plain,
        fit_identity(other, "abnormal", protocol, spec),
        fit_identity(small, "four-class", protocol, spec),
        fit_identity(small, "abnormal", find("patients-2fold"), spec),
        fit_identity(small, "abnormal", find("random-3fold"), spec),
    ]
    monkeypatch.setattr(identity, "version", lambda library: "0.0")
    seen.append(fit_identity(small, "abnormal", protocol, spec))
    assert len(set(seen)) == len(seen)
