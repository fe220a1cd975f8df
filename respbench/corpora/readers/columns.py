"""Columns of a manifest: which have a meaning, and which are only spelled as if they had."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from respbench.corpora.patients import spelling
from respbench.corpora.problems import InputError

PATIENT, SUBJECT = "patient", "subject"

REQUIRED = ("path", PATIENT, "label")
"""These may be written in upper case, too, since nothing is lost without them: the manifest is refused."""

BEGIN, END, CLIP_ID = "begin", "end", "clip_id"

OPTIONAL = (BEGIN, END, CLIP_ID, "official", "recording", "device", "location", "mode", "age", "sex")
"""Columns with a meaning that a manifest may lack; the last seven are metadata that protocols and reports look for."""

OF_SAMPLES = ("columns", "time", "scale", "unit")
"""Further ones of a manifest of text files of samples."""

_ALIASES = {
    **{name.replace("_", ""): name for name in (*OPTIONAL, *OF_SAMPLES)},
    **dict.fromkeys(("begins", "beginning", "start", "starts", "onset", "from", "t0", "tmin", "tstart"), BEGIN),
    **dict.fromkeys(("ends", "ending", "stop", "stops", "finish", "offset", "until", "to", "t1", "tmax", "tend"), END),
    **dict.fromkeys(("column", "channel", "channels", "axes"), "columns"),
    **dict.fromkeys(("times", "timestamp", "timestamps"), "time"),
    **dict.fromkeys(("factor", "scaling"), "scale"),
    "units": "unit",
}
"""What others call them, without separators, units and `_FILLERS`."""

_UNITS = {"s", "sec", "secs", "second", "seconds", "ms", "sample", "samples", "frame"}
_FILLERS = {*_UNITS, "t", "time", "at", "in", "of", "clip", "segment", "cycle", "event", "annotation"}

_DURATIONS = {"duration", "length", "dur"}

_MEANT = {
    **dict.fromkeys(("file", "filename", "filepath", "wav", "audio", "recording", "sound"), "path"),
    **dict.fromkeys(("subject", "participant", "patientid", "subjectid", "id", "pid", "person"), PATIENT),
    **dict.fromkeys(("fs", "hz", "frequency", "samplingrate", "samplerate", "samplingfrequency"), "rate"),
    **dict.fromkeys(("class", "labels", "target", "category", "annotation", "diagnosis"), "label"),
}
"""What other tables call the required columns."""

_CLOSE, _FUZZY = 0.85, 5
"""Similarity (Ratcliff & Metzener 1988) from which on names of at least so many letters may be slips of one another."""


def named_columns(
    manifest: Path,
    header: Sequence[str],
    required: Sequence[str] = REQUIRED,
    optional: Sequence[str] = OPTIONAL,
) -> list[str]:
    """Return the names of the columns of a header; empty for one that has none.

    Args:
        manifest: the table, for messages.
        header: its first row.
        required: columns that it must have.
        optional: columns with a meaning that it may lack.

    Raises:
        InputError: a column is missing, there twice, or may be meant as one that has a meaning.
    """
    names = [spelling(name) for name in header]
    names = [name.lower() if name.lower() in required else name for name in names]
    missing = [name for name in required if name not in names]
    if missing:
        raise InputError(
            f"{manifest} has no column {', '.join(missing)}; its columns are {', '.join(filter(None, names))}: "
            f"{_remedy(names, missing, required)}"
        )
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{manifest} has two columns {twice[0]}; rename or remove one")
    alike = {name: known for name in names if name not in required and (known := look_alike(name, names, optional))}
    if alike:
        renamed = " and ".join(f"{name!r} to {known}" for name, known in alike.items())
        unit = " (seconds in the file)" if {BEGIN, END} & set(alike.values()) else ""
        raise InputError(
            f"{manifest} has the column{'s' * (len(alike) > 1)} {' and '.join(map(repr, alike))}, which would be mere "
            f"metadata under {'these names' if len(alike) > 1 else 'this name'}: rename {renamed}{unit}, or, if "
            "metadata are meant, choose other names"
        )
    return names


def look_alike(name: str, names: Sequence[str], optional: Sequence[str] = OPTIONAL) -> str | None:
    """Return the column that a name may be meant as, of those in ``optional`` that are not in ``names``."""
    if name in optional:
        return None
    aliases = {alias: known for alias, known in _ALIASES.items() if known in optional}
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    joined = "".join(words)
    core = "".join(word for word in words if word not in _FILLERS)
    if core in _DURATIONS and BEGIN in names:
        known: str | None = END
    else:
        known = aliases.get(joined) or aliases.get(core) or _slip_of(core, aliases)
    return known if known not in names else None


def _slip_of(name: str, aliases: Mapping[str, str]) -> str | None:
    """Return what a name is a slip of the pen for: some letters differ, or two change places."""
    for alias, known in aliases.items():
        if name[:1] == alias[:1] and name != alias and sorted(name) == sorted(alias):
            return known
    close = difflib.get_close_matches(name, [alias for alias in aliases if len(alias) >= _FUZZY], 1, _CLOSE)
    return aliases[close[0]] if close else None


def _remedy(names: Sequence[str], missing: Sequence[str], required: Sequence[str]) -> str:
    """Say what to do about missing columns, given those found."""
    if len(names) == 1:
        return f"separate them by commas, and name at least {', '.join(required)}"
    for name in names:
        joined = "".join(re.findall(r"[^\W_]+", name.lower()))
        meant = _MEANT.get(joined) or next(iter(difflib.get_close_matches(joined, missing, 1, _CLOSE)), None)
        meant = SUBJECT if meant == PATIENT and SUBJECT in missing else meant
        if meant in missing:
            return f"rename {name!r} to {meant}" + ", and add what else is missing" * (len(missing) > 1)
    return f"name at least {', '.join(required)}"
