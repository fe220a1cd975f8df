"""Damaged files of every kind are used, all of them, or refused in a sentence; ``make fuzz`` tries 100,000."""

from pathlib import Path
from typing import Any

import pytest
from fuzz import ending
from fuzz_kinds import KINDS, MODEL, Kind
from hypothesis import HealthCheck, given, settings

BY_NAME = {kind.name: kind for kind in KINDS}
TRIED = 24
"""Inputs of each kind; an eighth of the slow ones."""
SLOW = {"name", "results"}


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    BY_NAME[request.node.callspec.params["name"]].begin(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", BY_NAME)
def test_damaged_files_are_used_or_refused_in_a_sentence(place: Path, name: str) -> None:
    kind: Kind = BY_NAME[name]

    @settings(max_examples=TRIED // 8 if name in SLOW else TRIED, suppress_health_check=list(HealthCheck))
    @given(kind.inputs)
    def used_or_refused(content: Any) -> None:
        assert ending(kind, place, content) in ("used", "refused")

    used_or_refused()


NESTED = b"[" * 5000
BUILD = b"def build(*, seed):\n    pass\n"
FOUND = {
    "lists in lists in lists": ("events", b'{"event_annotation": ' + NESTED + b"]" * 5000 + b"}"),
    "a number of 5000 digits": ("events", b'{"event_annotation": [' + b"9" * 5000 + b"]}"),
    "a part that is no CSV": ("parts", b'recording,part\n"a"b,train\n'),
    "a cell of 200 KB in the parts": ("parts", b"recording,part\n" + b"a" * 200_000 + b",train\n"),
    "a cell of 200 KB in the folds": ("folds", b"recording,fold\n" + b"a" * 200_000 + b",1\n"),
    "a column of 2000 zero bytes": ("folds", bytes(2000) + b"patient,fold\n"),
    "a comma in a name of the folds": ("folds", b"recording,fold\na,b,1\nc,2\n"),
    "a fold of 5000 digits": ("folds", b"recording,fold\na,1" + b"9" * 5000 + b"\nb,2\n"),
    "two columns of one name": ("folds", b"recording,fold,fold\na,1,2\nb,2,1\n"),
    "a line break in an annotation": ("annotation", "0.1 1.2 0 \x85 1\n".encode()),
    "a cell of 5000 digits": ("annotation", b"0.1 " + b"9" * 5000 + b" 0 1\n"),
    "a failure in another encoding": ("results", ("failures/svm/seed0-fold1.txt", b"\xff\xfe", True)),
    "no clip table": ("results", ("clips.csv.gz", b"clip_id\na\n", True)),
    "two rows of one clip": (
        "results",
        ("clips.csv.gz", b"clip_id,patient,label,seconds\n" + b"a,p,normal,1\n" * 2, True),
    ),
    "predictions in another encoding": ("results", ("runs/svm/seed0-fold1.csv.gz", b"\xff", True)),
    "predictions of no class": (
        "results",
        ("runs/svm/seed0-fold1.csv.gz", b"clip_id,patient,label\na,p,normal\n", True),
    ),
    "no probabilities": (
        "results",
        ("runs/svm/seed0-fold1.csv.gz", b"clip_id,patient,label,normal,abnormal\na,p,normal,nan,x\n", True),
    ),
    "a record in lists": ("results", ("runs/svm/seed0-fold1.json", NESTED, True)),
    "costs in lists": ("results", ("feature_costs.json", b'{"a":' * 5000, True)),
    "a damaged header of the offsets": ("prepared", ("offsets.npy", b"\x93NUMPY\x01\x00\x08\x00{'descr\n")),
    "a table in another encoding": ("prepared", ("table.csv", b"clip_id\n\xff\n")),
    "a table without patients": (
        "prepared",
        ("table.csv", b"clip_id\n" + b"\n".join(map(bytes, ([48 + i] for i in range(8))))),
    ),
    "a docstring of spaces": ("model", b'"""  """\n' + BUILD),
    "a docstring that is a number": ("model", b"__doc__ = 5\n" + BUILD),
    "an exception that is no Exception": ("model", b"raise BaseException\n"),
    "an exception that can't be shown": ("model", b"class E(Exception):\n    def __str__(self): 1 / 0\nraise E\n"),
    "a build without a signature": ("model", b"build = dict\n"),
    "a signature that is none": ("model", BUILD + b"build.__signature__ = 5\n"),
    "a module that refuses": ("model", b"def __getattr__(name): raise ValueError\n"),
    "a name that is not UTF-8": ("name", ("kauh", b"notes.\xff")),
    "a path with a zero": ("manifest", b"path,patient,label\none\0.wav,p1,normal\n"),
    "a path of a device": ("manifest", b"path,patient,label\n/dev/zero,p1,normal\n"),
    "a path of a folder": ("manifest", b"path,patient,label\n.,p1,normal\n"),
}


@pytest.fixture
def found(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Kind, Path, Any]:
    name, content = FOUND[request.param]
    BY_NAME[name].begin(tmp_path)
    return BY_NAME[name], tmp_path, content


@pytest.mark.parametrize("found", FOUND, indirect=True)
def test_what_was_found_once_is_used_or_refused(found: tuple[Kind, Path, Any]) -> None:
    assert ending(*found) in ("used", "refused")


def test_undamaged_files_are_used(tmp_path: Path) -> None:
    assert ending(BY_NAME["model"], tmp_path, MODEL.encode()) == "used"
