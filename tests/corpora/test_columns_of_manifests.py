"""Columns of a manifest: in any case, and refused where they only look like one with a meaning."""

from pathlib import Path

import pytest

from respbench.corpora.problems import InputError
from respbench.corpora.readers.columns import look_alike, named_columns

MANIFEST = Path("/m.csv")
REQUIRED = ["path", "patient", "label"]


def test_required_columns_may_be_in_any_case():
    assert named_columns(MANIFEST, ["Path", "PATIENT", "\u00a0Label "]) == REQUIRED


@pytest.mark.parametrize(
    ("name", "known"),
    [
        *[(name, "begin") for name in ("Begin", "BEGIN", "begn", "beginn", "start", "Start", "strat", "onset", "from")],
        *[(name, "begin") for name in ("begin (s)", "start_time", "startTime", "Begin Time (s)", "clip_start", "tmin")],
        *[(name, "end") for name in ("End", "edn", "stop", "STOP", "Stop_s", "end time", "offset", "until", "to")],
        *[(name, name.lower()) for name in ("Device", "Location", "Mode", "Age", "SEX", "Official", "Recording")],
        *[("offical", "official"), ("devices", "device"), ("Clip ID", "clip_id"), ("clipid", "clip_id")],
    ],
)
def test_a_column_that_looks_like_a_known_one_is_refused(name, known):
    with pytest.raises(InputError) as error:
        named_columns(MANIFEST, [*REQUIRED, name])
    unit = " (seconds in the file)" if known in {"begin", "end"} else ""
    what = f"/m.csv has the column {name!r}, which would be mere metadata under this name: rename {name!r} to {known}"
    assert str(error.value) == f"{what}{unit}, or, if metadata are meant, choose other names"


def test_all_look_alikes_are_named_at_once():
    with pytest.raises(InputError, match=r"columns 'Begin' and 'End', .* rename 'Begin' to begin and 'End' to end"):
        named_columns(MANIFEST, [*REQUIRED, "Begin", "End"])


@pytest.mark.parametrize(
    "name",
    [
        *("ward", "bmi", "smoker", "state", "hospital", "age_group", "site", "model", "node", "trend", "weekend"),
        *("side", "start_date", "recording_date", "duration", "length", "time", "seconds", "notes", "diagnosis"),
    ],
)
def test_other_columns_are_metadata(name):
    assert named_columns(MANIFEST, [*REQUIRED, name]) == [*REQUIRED, name]


def test_a_look_alike_beside_the_column_itself_is_metadata():
    assert named_columns(MANIFEST, [*REQUIRED, "begin", "end", "start"])[-1] == "start"


def test_a_duration_after_a_begin_may_be_meant_as_an_end():
    assert look_alike("duration", ["begin", "duration"]) == "end"
    assert look_alike("duration", ["begin", "end", "duration"]) is None


def test_one_column_in_two_cases_is_there_twice():
    with pytest.raises(InputError, match="has two columns path; rename or remove one"):
        named_columns(MANIFEST, [*REQUIRED, "Path"])
