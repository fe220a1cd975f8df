"""The kinds of files that `tests/fuzz.py` damages: what draws them, and the reader that has to use or refuse them."""

import csv
import gzip
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from damage import CODE, VALUES, damaged_bytes, damaged_text, names
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from made_up_results import made_up_results
from numpy.typing import NDArray
from synthetic_corpora import noise, write_recording, write_sound, write_sprsound_recording

from respbench.benchmarks.cli import main
from respbench.benchmarks.outside import read_outside
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.feature_costs import (
    FEATURE_COSTS,
    FeatureCost,
    read_feature_costs,
    write_feature_costs,
)
from respbench.benchmarks.storage.store import Store
from respbench.corpora import catalog
from respbench.corpora.catalog import open_corpus
from respbench.corpora.digests import digest
from respbench.corpora.patients import spelling
from respbench.corpora.prepared.durable import is_whole
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError, InputErrors
from respbench.corpora.readers.audio import read_audio
from respbench.corpora.readers.folds_file import read_folds
from respbench.corpora.readers.icbhi import DEMOGRAPHICS, DIAGNOSES, OFFICIAL_SPLIT, read_icbhi
from respbench.corpora.readers.manifest import read_manifest
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.sprsound import read_sprsound
from respbench.corpora.readers.sprsound_files import LIST
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.unlabeled import read_unlabeled
from respbench.models.selection import from_file

RATE = 4000


def nothing(folder: Path) -> None:
    """Nothing has to lie in the folder beforehand."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the kind.
        inputs: draws what is tried.
        use: reads an input in a folder, as the suite does; raises AssertionError where something of it was lost.
        begin: writes what must lie in the folder beforehand.
        share: of all inputs.
    """

    name: str
    inputs: SearchStrategy[Any]
    use: Callable[[Path, Any], None]
    begin: Callable[[Path], None] = nothing
    share: int = 2


def _written(container: str, subtype: str, endian: str = "FILE", channels: int = 1) -> bytes:
    file = io.BytesIO()
    sound = np.stack([noise(0.25, seed) for seed in range(channels)], axis=1)
    soundfile.write(
        file,
        sound,
        8000 if subtype in ("OPUS", "MPEG_LAYER_III") else RATE,
        format=container,
        subtype=subtype,
        endian=endian,
    )
    return file.getvalue()


SOUNDS = [
    *(_written(container, "PCM_16") for container in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC")),
    *(_written("WAV", subtype) for subtype in ("PCM_U8", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "IMA_ADPCM", "GSM610")),
    *(_written(container, "PCM_16", endian) for container, endian in (("WAV", "BIG"), ("AU", "LITTLE"))),
    *(_written("OGG", subtype) for subtype in ("VORBIS", "OPUS")),
    *(_written("MP3", "MPEG_LAYER_III"), _written("WAV", "PCM_16", channels=2)),
]
CHUNK = b"LIST\x1a\0\0\0INFOISFT\x0e\0\0\0Lavf60.3.100\0\0"
SOUNDS += [SOUNDS[0] + CHUNK, SOUNDS[0][:12] + CHUNK + SOUNDS[0][12:]]


@cache
def _heard(content: bytes) -> NDArray[np.float32]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "whole")
        path.write_bytes(content)
        return read_audio(path, RATE)


def use_sound(folder: Path, content: bytes) -> None:
    """A cut sound is refused, unless it is whole; one with something behind it is read as before."""
    path = folder / "sound.wav"
    path.write_bytes(content)
    signal = read_audio(path, RATE)
    assert signal.shape[0] == 1
    assert np.isfinite(signal).all()
    for whole in SOUNDS:
        if whole.startswith(content) or content.startswith(whole):
            assert np.array_equal(signal, _heard(whole)), f"{signal.shape[1]} of {_heard(whole).shape[1]} samples"


def use_recordings(folder: Path, content: bytes) -> None:
    """Unlabeled recordings of the user's own."""
    (folder / "one.wav").write_bytes(content)
    found = read_unlabeled(folder)
    assert {cycle.path.name for cycle in found.cycles} | found.skipped.keys() == {"one.wav", "two.wav"}
    _use(Reading(cycles=found.cycles[:20]))


def _use(reading: Reading) -> None:
    """Decode the clips.

    Raises:
        InputErrors: all problems, as where none are left out.
    """
    problems = [problem.text for problem in reading.problems]
    for cycle in reading.cycles:
        try:
            assert np.isfinite(read_audio(cycle.path, RATE, cycle.begin, cycle.end)).all()
        except InputError as refusal:
            problems.append(str(refusal))
    if problems:
        raise InputErrors(problems, "Correct these.")


ANNOTATION = "0.1\t1.2\t0\t1\n1.2\t2.4\t1\t0\n2.4\t3.9\t0\t0\n"


def _lines(content: bytes) -> int:
    return sum(bool(line.strip()) for line in content.decode("utf-8-sig", errors="replace").splitlines())


def use_annotation(folder: Path, content: bytes) -> None:
    """Each line is a cycle."""
    (folder / "101_1b1_Al_sc_Meditron.txt").write_bytes(content)
    reading = read_icbhi(folder)
    unread = [problem for problem in reading.problems if "UTF-8" in problem.text]
    assert unread or len(reading.cycles) + len(reading.problems) >= _lines(content)
    _use(reading)


COMPANIONS = {
    DEMOGRAPHICS: "101 3 F NA 19 99\n102 0.75 F NA 9.8 73\n103 70 F 33 NA NA\n",
    DIAGNOSES: "101,URTI\n102,Healthy\n103,Asthma\n",
    OFFICIAL_SPLIT: "101_1b1_Al_sc_Meditron\ttest\n101_1b1_Pr_sc_Meditron\ttrain\n",
}


def use_companion(folder: Path, named: tuple[str, bytes]) -> None:
    """What ICBHI states about patients and recordings."""
    for name, whole in COMPANIONS.items():
        (folder / name).write_bytes(named[1] if name == named[0] else whole.encode())
    reading = read_icbhi(folder)
    assert len(reading.cycles) + len(reading.problems) >= 1
    _use(reading)


EVENTS = json.dumps(
    {
        "record_annotation": "CAS & DAS",
        "event_annotation": [
            {"start": "100", "end": "600", "type": "Normal"},
            {"start": "700", "end": "1400", "type": "Wheeze+Crackle"},
        ],
    }
)


def use_events(folder: Path, content: bytes) -> None:
    """Each event is a clip or a problem, and so is the whole recording."""
    _, annotation = write_events(folder, content)
    for recordings in (False, True):
        reading = read_sprsound(folder, recordings)
        try:
            listed = json.loads(annotation.read_text(encoding="utf-8-sig"))["event_annotation"]
        except (ValueError, KeyError, TypeError, RecursionError):
            assert len(reading.problems) == 1
            _use(reading)
        unusable = {problem.name for problem in reading.problems}
        whole = [name for name in unusable if "_event_" not in name]
        if recordings:
            assert len(reading.cycles) + len(reading.skipped) + len(whole) == 1
        else:
            assert len(reading.cycles) + len(unusable) == len(listed) or whole
        _use(reading)


def write_events(folder: Path, content: bytes) -> tuple[Path, Path]:
    """A recording of SPRSound with this content as its annotation."""
    sound = folder / "train2022_wav" / "65101170_0.4_1_p1_3246.wav"
    annotation = folder / "train2022_json" / "65101170_0.4_1_p1_3246.json"
    if not sound.exists():
        write_sprsound_recording(folder, [])
    annotation.write_bytes(content)
    return sound, annotation


def use_parts(folder: Path, content: bytes) -> None:
    """The list of parts beside SPRSound's recordings."""
    if not (folder / "train2022_wav").exists():
        write_events(folder, EVENTS.encode())
    (folder / LIST).write_bytes(content)
    assert len(read_sprsound(folder, False).cycles) == 2


MANIFESTS = [
    "path,patient,label\none.wav,p1,normal\ntwo.wav,p2,wheeze\n",
    "path,patient,label,begin,end,clip_id,device\none.wav,p1,normal,0,1.5,a,x\none.wav,p1,both,1.5,3,b,y\ntwo.wav,p2,crackle,,,,\n",
]


def begin_manifest(folder: Path) -> None:
    """Two recordings."""
    for name, seed in (("one", 1), ("two", 2)):
        write_sound(folder / f"{name}.wav", noise(4.0, seed))


def use_manifest(folder: Path, content: bytes) -> None:
    """Each row is a clip or a problem."""
    path = folder / "manifest.csv"
    path.write_bytes(content)
    found = read_manifest(path)
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=None), skipinitialspace=True)
    count = sum(any(cell.strip() for cell in row) for row in rows) - 1
    assert len(found.cycles) + len(found.problems) >= count
    _use(found)


FOLDS = [
    "recording,fold\nr1,a\nr2,b\nr3,a\nr4,10\n",
    "patient,fold,remark\n101,1,x\n102,2,y\n103,1,\n",
]


def use_folds(folder: Path, content: bytes) -> None:
    """Each line puts a name into a fold."""
    path = folder / "folds.csv"
    path.write_bytes(content)
    found = read_folds(path)
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=None), skipinitialspace=True)
    header, *rows = [[cell.strip() for cell in row] for row in reader if row]
    stated = {spelling(row[header.index(found.column)]) for row in rows if any(row)}
    assert stated == set(found.fold)
    assert len(found.labels) >= 2


PREDICTIONS = [
    "clip_id,normal,abnormal\na,0.25,0.75\nb,0.5,0.5\n",
    "clip_id,seed,fold,patient,label,normal,abnormal\na,0,1,p,normal,0.25,0.75\nb,1,0,q,abnormal,1,0\n",
]


def use_outside(folder: Path, content: bytes) -> None:
    """Each line is a prediction."""
    path = folder / "predictions.csv"
    path.write_bytes(content)
    found = read_outside(path, ("normal", "abnormal"), None)
    text = (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode("utf-8-sig")
    assert (
        len(found.rows)
        == sum(any(cell.strip() for cell in row) for row in csv.reader(io.StringIO(text, newline=""))) - 1
    )
    assert np.allclose(found.probabilities.sum(axis=1), 1)
    assert found.identity


def begin_results(folder: Path) -> None:
    """Results of three models, and a copy of them."""
    store = made_up_results(folder, {"prior": 0.0, "svm": 1.0}, seeds=1, protocol="patients-2fold")
    cost = FeatureCost(ms_per_clip=1.0, clips=2, seconds_per_clip=1.0, rounds=3, hardware="x", identity="y")
    write_feature_costs(store.folder, {"svm": cost})
    store.folder.rename(folder / "whole")


RESULT_FILES = (
    "runs/svm/seed0-fold1.json",
    "runs/svm/seed0-fold1.csv.gz",
    "clips.csv.gz",
    FEATURE_COSTS,
    "failures/svm/seed0-fold1.txt",
)


@cache
def _result_texts() -> dict[str, str]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as base:
        begin_results(Path(base))
        files = {name: Path(base, "whole", name) for name in RESULT_FILES[:4]}
        texts = {name: _unzipped(path.read_bytes()).decode() for name, path in files.items()}
    return {**texts, RESULT_FILES[4]: "Traceback …\nValueError: it broke"}


def _unzipped(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def _results() -> SearchStrategy[tuple[str, bytes, bool]]:
    def of(name: str) -> SearchStrategy[tuple[str, bytes, bool]]:
        text = damaged_text([_result_texts()[name]], r'[{}\[\]":,]', VALUES)
        return st.tuples(st.just(name), text, st.booleans())

    return st.sampled_from(RESULT_FILES).flatmap(of)


def use_results(folder: Path, damaged: tuple[str, bytes, bool]) -> None:
    """Every fit of the folder counts, or is named; a file of predictions may fit its digest or not."""
    name, content, fits = damaged
    results = folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    shutil.copytree(folder / "whole", results)
    path = results / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, 1) if name.endswith("gz") else content)
    if fits and name == RESULT_FILES[1]:
        record = json.loads((results / RESULT_FILES[0]).read_text())
        (results / RESULT_FILES[0]).write_text(json.dumps({**record, "predictions_digest": digest([content])}))
    store = Store(results)
    read_feature_costs(results)
    loaded = load_results(store)
    assert {model.name for model in loaded.models} == {"prior", "svm"}
    for model in loaded.models:
        assert len(model.fits) + len(model.failures) == 2
        assert not model.complete or np.isfinite(model.value("accuracy"))


CACHED = ("corpus.json", "table.csv", "offsets.npy", "signals.npy")


def _open_simulated(cache_folder: Path) -> Prepared:
    return open_corpus("simulated", simulation=Simulation(patients=4, clips_per_patient=2), cache=cache_folder)


@cache
def _cached_files() -> dict[str, bytes]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as base:
        folder = _open_simulated(Path(base)).folder
        return {name: (folder / name).read_bytes() for name in CACHED}


def _prepared() -> SearchStrategy[tuple[str, bytes]]:
    def of(name: str) -> SearchStrategy[tuple[str, bytes]]:
        content = _cached_files()[name]
        damaged = damaged_bytes([content])
        if name in CACHED[:2]:
            damaged |= damaged_text([content.decode()], r'[{}\[\]":,]', VALUES)
        return st.tuples(st.just(name), damaged)

    return st.sampled_from(CACHED).flatmap(of)


def use_prepared(folder: Path, damaged: tuple[str, bytes]) -> None:
    """A prepared corpus is whole, or prepared again."""
    place = folder / "prepared"
    place.mkdir(exist_ok=True)
    for name, content in (*_cached_files().items(), damaged):
        (place / name).write_bytes(content)
    if is_whole(place):
        clips = Prepared(place).clips()
        assert len(clips) == 8
        assert all(np.asarray(signal).shape[0] == 1 for signal in clips)


MODEL = '''"""A model."""

CONSTANT = {"a": 1}


def build(*, seed, depth=3, rate=0.5):
    """Build it."""
    return (seed, depth, rate, CONSTANT)


def space(trial):
    return {"depth": trial.suggest_int("depth", 1, 5)}
'''


def use_model(folder: Path, content: bytes) -> None:
    """A model file of the user's own is imported, and its parameters are known."""
    path = folder / "own.py"
    path.write_bytes(content)
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    places, modules = list(sys.path), set(sys.modules)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            spec = from_file(path)
        assert spec.source
        json.dumps(spec.parameters(), default=repr)
    finally:
        sys.path[:] = places
        for name in sys.modules.keys() - modules:
            del sys.modules[name]


NAMES = {
    "icbhi": ["101_1b1_Al_sc_Meditron_segment_1_0_1.wav", "101_1b1_Al_sc_Meditron_segment_2_1_1.flac"],
    "kauh": ["BP1_Asthma,I E W,P L L,70,M.wav", "EP12_Heart Failure,C,P R U,60.5,F.wav"],
    "sprsound": ["65101170_0.4_1_p1_3246.wav", "65101170_0.4_1_p1_3246.json"],
    "manifest": ["one.wav", "manifest.csv"],
}


def use_name(folder: Path, named: tuple[str, bytes]) -> None:
    """The whole command, on a corpus with a file of this name."""
    corpus, name = named
    sounds = folder / corpus
    shutil.rmtree(sounds, ignore_errors=True)
    sounds.mkdir(parents=True)
    data = sounds
    path = os.fsencode(sounds) + b"/" + name
    if corpus == "manifest":
        data = sounds / "manifest.csv"
        listed = name.decode(errors="replace").replace('"', '""')
        data.write_text(f'path,patient,label\n"{listed}",p1,normal\n', encoding="utf-8")
    elif corpus == "sprsound":
        write_sprsound_recording(sounds, [(0, 400, "Normal")])
    with open(path, "wb") as file:
        file.write(_cached_sound())
    command(["prepare", "--corpus", corpus, "--data", str(data)], folder)


@cache
def _cached_sound() -> bytes:
    return _written("WAV", "PCM_16")


def command(words: list[str], folder: Path) -> None:
    """Run a command as a user would; a refusal is raised.

    Raises:
        InputError: its exit status is 2.
    """
    said, before = io.StringIO(), catalog.CACHE
    catalog.CACHE = folder / "cache"
    try:
        with redirect_stderr(said), redirect_stdout(io.StringIO()):
            status = main([*words, "--results", str(folder / "results")])
    finally:
        catalog.CACHE = before
        shutil.rmtree(folder / "cache", ignore_errors=True)
    assert status in (0, 2)
    if status:
        lines = said.getvalue().removeprefix("respbench: ").splitlines()
        assert all(line.isprintable() for line in lines), lines
        raise InputError(" / ".join(lines))
    assert not said.getvalue()


def _begin_annotation(folder: Path) -> None:
    write_recording(folder, None)


def _begin_companion(folder: Path) -> None:
    write_recording(folder, "0.1\t1.2\t0\t1\n")


def _begin_recordings(folder: Path) -> None:
    write_sound(folder / "two.wav", noise(2.0, 9))


CELLS, COMMA, BRACKETS = r"[\t ]", ",", r'[{}\[\]":,]'

KINDS = (
    Kind(name="sound", inputs=damaged_bytes(SOUNDS), use=use_sound, share=10),
    Kind(name="recordings", inputs=damaged_bytes(SOUNDS), use=use_recordings, begin=_begin_recordings, share=4),
    Kind(
        name="annotation",
        inputs=damaged_text([ANNOTATION], CELLS),
        use=use_annotation,
        begin=_begin_annotation,
        share=4,
    ),
    Kind(
        name="companion",
        inputs=st.sampled_from(list(COMPANIONS)).flatmap(
            lambda name: st.tuples(st.just(name), damaged_text([COMPANIONS[name]], r"[\t ,]"))
        ),
        use=use_companion,
        begin=_begin_companion,
    ),
    Kind(name="events", inputs=damaged_text([EVENTS], BRACKETS, VALUES), use=use_events, share=4),
    Kind(name="parts", inputs=damaged_text(["recording,part\n65101170_0.4_1_p1_3246,train\n"], COMMA), use=use_parts),
    Kind(name="manifest", inputs=damaged_text(MANIFESTS, COMMA), use=use_manifest, begin=begin_manifest, share=4),
    Kind(name="folds", inputs=damaged_text(FOLDS, COMMA), use=use_folds, share=3),
    Kind(
        name="outside",
        inputs=damaged_text(PREDICTIONS, COMMA) | damaged_bytes([gzip.compress(PREDICTIONS[0].encode(), mtime=0)]),
        use=use_outside,
        share=3,
    ),
    Kind(name="results", inputs=st.deferred(_results), use=use_results, begin=begin_results, share=1),
    Kind(name="prepared", inputs=st.deferred(_prepared), use=use_prepared, share=2),
    Kind(
        name="model",
        inputs=damaged_text([MODEL], r"\W", CODE) | damaged_text([MODEL], "\n", CODE),
        use=use_model,
        share=4,
    ),
    Kind(
        name="name",
        inputs=st.sampled_from(list(NAMES)).flatmap(
            lambda corpus: st.tuples(st.just(corpus), names(NAMES[corpus], r"[_,. ]"))
        ),
        use=use_name,
        share=1,
    ),
)
