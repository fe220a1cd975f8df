"""The challenge's split in four classes, on made-up files in the layout of the whole database, from wav to table."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import change_predictions, made_up_results, written_text
from synthetic_corpora import noise, write_sound

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.tables import LEADERBOARD
from respbench.benchmarks.storage.store import Store
from respbench.corpora.catalog import open_corpus
from respbench.corpora.download.verify import ICBHI_2017, Structure, part_here
from respbench.corpora.readers.companions import OFFICIAL_SPLIT
from respbench.corpora.readers.icbhi import read_icbhi

PATIENTS = ("101", "102", "103", "156", "218", "226", "227", "228")
"""As in the database, 156 and 218 have recordings on both sides."""

TESTED = {"101_1", "101_2", "156_2", "218_2", "226_1", "226_2"}
"""Patient and index of the recordings that the challenge's file would test."""

CYCLES = ("0 0", "1 0", "0 1", "1 1", "0 0", "1 0")
DISPUTED = "226_1b1_Pl_sc_LittC2SE"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Sixteen recordings with their annotations, and the challenge's file, which calls one by another device."""
    folder = tmp_path / "data" / "ICBHI_final_database"
    rng = np.random.default_rng(0)
    lines = []
    for patient, index in product(PATIENTS, (1, 2)):
        name = f"{patient}_{index}b1_Al_sc_Meditron" if (patient, index) != ("226", 1) else DISPUTED
        ends = np.cumsum(rng.uniform(0.3, 0.6, len(CYCLES)))
        begins = [0.0, *ends[:-1]]
        write_sound(folder / f"{name}.wav", noise(ends[-1] + 0.1, len(lines)))
        rows = zip(begins, ends, CYCLES, strict=True)
        (folder / f"{name}.txt").write_text(
            "".join(f"{b:.3f}\t{e:.3f}\t{k.replace(' ', chr(9))}\n" for b, e, k in rows)
        )
        side = "test" if f"{patient}_{index}" in TESTED else "train"
        lines.append(f"{name.replace('Pl_sc_LittC2SE', 'Pl_sc_Meditron')}\t{side}\n")
    (folder.parent / OFFICIAL_SPLIT).write_text("".join(lines))
    return folder


def predictions(folder: Path, model: str) -> Iterator[pd.DataFrame]:
    """The stored predictions of each repeat."""
    for path in sorted((folder / "runs" / model).glob("seed*-fold0.csv.gz")):
        yield pd.read_csv(path, dtype={"patient": str})


def field_scores(table: pd.DataFrame) -> dict[str, float]:
    """Se, Sp and score of the challenge: abnormal cycles given their own class, normal ones called normal."""
    classes = ["normal", "crackle", "wheeze", "both"]
    decided = table[classes].to_numpy().argmax(axis=1)
    right = table["label"].to_numpy() == np.array(classes)[decided]
    normal = (table["label"] == "normal").to_numpy()
    se, sp = right[~normal].sum() / (~normal).sum(), right[normal].sum() / normal.sum()
    return {"sensitivity": se, "specificity": sp, "score": (se + sp) / 2}


def test_four_classes_of_the_official_split_from_wav_to_table(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, models = tmp_path / "results", ("prior", "duration", "metadata")
    request = ["--corpus", "icbhi", "--data", str(database), "--task", "four-class", "--protocol", "official"]
    more = ["--models", ",".join(models), "--repeats", "2", "--trials", "none", "--workers", "0"]
    assert main(["run", *request, *more, "--results", str(results)]) == 0
    warning = "NOT PATIENT-DISJOINT: patients 156 and 218 are trained on and tested"
    said = capsys.readouterr().out
    assert said.index(warning) < said.index("fit"), "said after fitting"
    store = Store(results / "icbhi" / "four-class" / "official")
    board = LEADERBOARD.read(store.folder)
    for model in models:
        tables = list(predictions(store.folder, model))
        assert len(tables) == 2
        for table in tables:
            recording = table["clip_id"].str.partition("_segment_")[0]
            assert {"_".join(name.split("_")[:2]).removesuffix("b1") for name in recording} == TESTED
            assert len(table) == len(TESTED) * len(CYCLES)
        for metric in ("sensitivity", "specificity", "score"):
            expected = np.mean([field_scores(table)[metric] for table in tables])
            assert board[model][metric].value == pytest.approx(expected, abs=1e-6)
            assert board[model]["warning"] == "NOT PATIENT-DISJOINT"
    assert board["prior"]["specificity"].value == 1, "most cycles are normal"
    text = written_text(store.folder)
    assert text.count(f"**{warning}") == len(list(store.folder.glob("*.md")))
    assert "A PART of the database: 96 of 6,898 cycles (60 of the official training part, 36 of the test part)" in text


def test_the_whole_database_is_not_called_a_part(database: Path) -> None:
    cycles = read_icbhi(database).cycles
    assert part_here(cycles, Structure(recordings=16, patients=8, normal=32, crackle=32, wheeze=16, both=16)) == ""
    assert (ICBHI_2017.cycles, ICBHI_2017.recordings) == (6898, 920)
    (database.parent / OFFICIAL_SPLIT).unlink()
    without = "A PART of the database: 96 of 6,898 cycles, from 16 of 920 recordings of 8 of 126 patients, so that"
    assert part_here(read_icbhi(database).cycles).startswith(without)


def test_a_part_is_described_without_another_fingerprint(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = open_corpus("icbhi", database).facts()
    monkeypatch.setattr("respbench.corpora.catalog.part_here", lambda cycles: "")
    whole = open_corpus("icbhi", database).facts()
    assert part.description != whole.description
    assert whole.description.endswith("breathing cycles")
    assert part.fingerprint == whole.fingerprint


def test_a_test_part_without_a_rare_class_has_a_report_without_auroc(tmp_path: Path) -> None:
    four = ("normal", "crackle", "wheeze", "both")
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.0}, seeds=1, classes=four, protocol="official")
    for key in store.fits():
        change_predictions(store, key, ",both,", ",wheeze,")
        change_predictions(store, key, "crackle,wheeze,wheeze", "crackle,wheeze,both")  # the header
    write_report(store, draw=False)
    row = LEADERBOARD.read(store.folder)["svm"]
    assert row["auroc"] is None
    assert np.isfinite([row[metric].value for metric in ("score", "sensitivity", "specificity")]).all()
    assert "tests no clip of both, and is left out of the AUROC" in written_text(store.folder)
