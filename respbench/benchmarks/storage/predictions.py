"""The file of one fit's predictions: a gzipped CSV, the same bytes on every machine."""

import gzip
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.corpora.bounded import decompress_bounded
from respbench.corpora.clips import Clips


def predictions_csv(clips: Clips, probabilities: NDArray[np.float64]) -> str:
    """Write predictions as CSV: clip_id, patient, label (class name), and one probability column per class.

    Args:
        clips: the test clips, with their labels.
        probabilities: (clips, classes).
    """
    names = np.array(clips.classes)
    table = pd.DataFrame({"clip_id": clips.clip_id, "patient": clips.patient, "label": names[clips.label]})
    for column, name in enumerate(clips.classes):
        table[name] = probabilities[:, column]
    # Nine digits keep probabilities apart that differ in float32, and sum to 1 well within 1e-5.
    return table.to_csv(index=False, float_format="%.9g", lineterminator="\n")


def compressed(text: str) -> bytes:
    """Compress text reproducibly."""
    return gzip.compress(text.encode(), mtime=0)


def read_predictions(content: bytes, classes: Sequence[str]) -> pd.DataFrame:
    """Read what `predictions_csv` wrote, compressed.

    Args:
        content: of the file.
        classes: names of the classes.

    Raises:
        ValueError: a column is missing, a clip occurs twice, or a label or a probability is none.
    """
    table = read_table(content)
    lacking = [name for name in ("clip_id", "patient", "label", *classes) if name not in table]
    if lacking or table["clip_id"].duplicated().any() or not table["label"].isin(classes).all():
        raise ValueError(f"no table of predictions: {lacking}")
    columns = [table[name].to_numpy(np.float64) for name in classes]  # one by one: far faster than a smaller table
    if not len(table) or not all(((column >= 0) & (column <= 1)).all() for column in columns):
        raise ValueError("no probabilities")
    return table


def read_table(content: bytes) -> pd.DataFrame:
    """Read a gzipped CSV whose names stay text, whatever they look like."""
    text = decompress_bounded(content).decode()
    names = dict.fromkeys(("clip_id", "patient", "label"), object)  # far faster to go through than pandas' own strings
    return pd.read_csv(io.StringIO(text), dtype=names, keep_default_na=False)
