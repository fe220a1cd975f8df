"""Ablations: the same machinery and folds as a benchmark, in a folder that is marked as none."""

import inspect
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_up_results import fail, made_up_results, written_text
from synthetic_corpora import TINY_RUN

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.ablation import variant_verdicts
from respbench.benchmarks.report.index import write_index
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.statistics.comparisons import Verdict, difference
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.statistics.metrics import COMPARED
from respbench.benchmarks.storage.identity import model_identity
from respbench.benchmarks.storage.store import Store
from respbench.corpora import protocols
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find_stored, of_folder
from respbench.features import adventitious
from respbench.models import ablations
from respbench.models.ablations import ABLATIONS, Ablation, changed, find_ablations, models_of
from respbench.models.registry import REGISTRY

NAMES = [(group, spec.name) for group, ablation in ABLATIONS.items() for spec in ablation.variants]
MADE_UP = Ablation(
    "Is it the sound?", REGISTRY["svm"], (changed("svm", "weak", "half the sound"), changed("svm", "like", "nothing"))
)


@pytest.fixture
def one_group() -> Iterator[None]:
    """The made-up group alone; afterwards the others are back, in their order."""
    groups = dict(ABLATIONS)
    ABLATIONS.clear()
    ABLATIONS["made-up"] = MADE_UP
    yield
    ABLATIONS.clear()
    ABLATIONS.update(groups)


def test_the_families_are_those_of_the_features() -> None:
    assert tuple(adventitious.FAMILIES) == ablations.FAMILIES


@pytest.mark.parametrize(("group", "name"), NAMES)
def test_every_variant_changes_parameters_that_its_model_has(group: str, name: str) -> None:
    ablation = ABLATIONS[group]
    variant = next(spec for spec in ablation.variants if spec.name == name)
    build = getattr(variant.module(), variant.target.rpartition(":")[2])
    assert variant.overrides.keys() <= inspect.signature(build).parameters.keys() - {"seed"}
    assert model_identity(variant) != model_identity(ablation.reference), "the variant changes nothing"
    assert variant.source != ablation.reference.source, "say in words what differs"
    assert name not in REGISTRY
    variant.build(0)


def test_groups_are_whole() -> None:
    assert all(ablation.question and ablation.variants for ablation in ABLATIONS.values())
    names = [spec.name for spec in models_of(ABLATIONS.values())]
    assert len(names) == len(set(names))
    assert {"prior", "metadata", "duration"} <= set(names)


def test_groups_are_found_by_name_and_share_what_they_share() -> None:
    assert find_ablations() == ABLATIONS
    name = next(iter(ABLATIONS))
    assert find_ablations(f" {name},") == {name: ABLATIONS[name]}
    for wrong in ("nothing", f"{name},nothing", ","):
        with pytest.raises(InputError, match=f"choose from {name}"):
            find_ablations(wrong)
    other = replace(MADE_UP, variants=(changed("svm", "weak", "another", C=2.0),))
    assert len(models_of([MADE_UP, replace(MADE_UP, question="?")])) == len(models_of([MADE_UP]))
    with pytest.raises(ValueError, match="two models of the ablations are called svm-weak"):
        models_of([MADE_UP, other])


def test_an_ablation_has_the_folds_of_its_protocol_and_a_name_of_its_own() -> None:
    for name in ("patients-3fold", "random-5fold", "official"):
        protocol = protocols.find(name)
        ablation = protocol.for_ablation()
        assert ablation.name == f"{name}-ablation"
        assert (ablation.splitter, ablation.warning, ablation.folds) == (
            protocol.splitter,
            protocol.warning,
            protocol.folds,
        )
        assert find_stored(ablation.name) == ablation
        assert find_stored(name) == protocol
        assert of_folder(ablation.name) == of_folder(f"{ablation.name}-of-0123456789abcdef") == ablation
        assert ablation.ablation_of == protocol
        assert protocol.ablation_of is None
    with pytest.raises(InputError, match="unknown protocol"):
        find_stored("nothing-ablation")


@pytest.mark.usefixtures("one_group")
def test_a_group_has_a_table_and_words(tmp_path: Path) -> None:
    strengths = {"metadata": 0.6, "svm": 1.5, "svm-weak": 0.3, "svm-like": 1.5, "svm-old": 0.5}
    report = write_report(made_up_results(tmp_path, strengths, protocol="patients-3fold-ablation"))
    text, results = written_text(report.page.parent), report.results
    full, weak, like = (results.find(name) for name in ("svm", "svm-weak", "svm-like"))
    assert full is not None
    assert weak is not None
    assert like is not None
    assert "Is it the sound?" in text
    assert "This is no benchmark of models" in text
    assert re.search(r"\| svm +\| the full model +\|", text)
    for entry in (weak, like):
        for metric in COMPARED:
            assert cell(difference(entry, full, metric)) in text
    expected = {"svm-weak": Verdict(worse=COMPARED), "svm": Verdict(undecided=COMPARED)}
    assert variant_verdicts([weak, full], full) == expected
    assert "`svm-weak` (half the sound): worse than `svm` on score, AUROC and AUROC within patients." in text
    assert "In no group any more, and only in the tables below: `svm-old`." in text
    assert "gain over metadata" in text, "the rest of the report is there, too"


@pytest.mark.usefixtures("one_group")
def test_without_the_full_model_nothing_is_compared(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm-weak": 0.3}, protocol="patients-3fold-ablation")
    fail(store, "svm")
    text = written_text(write_report(store).page.parent)
    assert "`svm`, the full model, is not complete here" in text


@pytest.mark.usefixtures("one_group")
def test_a_benchmark_has_no_section_about_parts(tmp_path: Path) -> None:
    text = written_text(write_report(made_up_results(tmp_path, {"svm": 1.5, "svm-weak": 0.3})).page.parent)
    assert "the full model" not in text


def test_the_index_links_ablations_and_ranks_none(tmp_path: Path) -> None:
    for protocol in ("patients-3fold", "patients-3fold-ablation"):
        write_report(made_up_results(tmp_path, {"svm": 1.0}, protocol=protocol))
    place = tmp_path / "made-up" / "abnormal"
    shutil.copytree(place / "patients-3fold-ablation", place / "patients-3fold-ablation-of-0123")
    page = write_index(tmp_path).read_text()
    rows = [line for line in page.splitlines() if line.startswith("| [")]
    assert [row.split("](")[0] for row in rows] == ["| [made-up · abnormal · patients-3fold"]
    listed = page.partition("## Ablations")[2]
    assert (
        "- [made-up · abnormal · patients-3fold-ablation](made-up/abnormal/patients-3fold-ablation/README.md)" in listed
    )
    assert "patients-3fold-ablation-of-0123" in listed


def test_ablations_run_resume_and_stay_apart_from_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = Ablation("Does more penalty matter?", REGISTRY["metadata"], (changed("metadata", "free", "C = 9", C=9.0),))
    monkeypatch.setitem(ABLATIONS, "tiny", tiny)
    results = ("--results", str(tmp_path))
    ablate = ["ablate", "--group", "tiny", *TINY_RUN, *results]
    assert main(ablate) == 0
    folder = tmp_path / "simulated" / "abnormal" / "patients-2fold-ablation"
    table = (folder / "leaderboard.csv").read_bytes()
    assert set(pd.read_csv(folder / "leaderboard.csv")["model"]) == {"prior", "metadata", "duration", "metadata-free"}
    assert {stored.record.protocol for stored in Store(folder)} == {"patients-2fold-ablation"}
    assert "C = 9" in (folder / "models.md").read_text()
    next(folder.glob("runs/prior/*.json")).unlink()
    capsys.readouterr()
    assert main(ablate) == 0
    assert "7 of 8 fits are stored already" in capsys.readouterr().out
    assert (folder / "leaderboard.csv").read_bytes() == table
    # A benchmark of the same corpus: another folder, the same folds.
    assert main(["run", "--models", "metadata", *TINY_RUN, *results]) == 0
    benchmark = folder.with_name("patients-2fold")
    for name in ("seed0-fold0.csv.gz", "seed0-fold1.csv.gz"):
        path = Path("runs") / "metadata" / name
        assert (folder / path).read_bytes() == (benchmark / path).read_bytes()
    assert not (benchmark / "runs" / "metadata-free").exists()
    assert main(["run", "--models", "prior", *TINY_RUN, *results, "--protocol", "patients-2fold-ablation"]) == 2
