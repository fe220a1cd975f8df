"""What is stored about each clip beside the results."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from made_up_results import synthetic_clips

from respbench.benchmarks.storage.clip_table import clip_table
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import HIDDEN


def test_age_and_sex_are_stored_and_a_diagnosis_is_not(tmp_path: Path) -> None:
    clips = synthetic_clips()
    n = len(clips)
    age = np.where(np.arange(n) < 8, np.nan, 0.75)
    meta = {"age": age, "sex": ["F", "M"] * (n // 2), "bmi": 20.0, "diagnosis": "COPD", "native_rate": np.nan}
    store = Store(tmp_path)
    store.write_clips(replace(clips, meta=pd.DataFrame(meta)))
    table = store.clips()
    assert table is not None
    assert list(table.columns) == ["clip_id", "patient", "label", "seconds", "age", "sex"]
    np.testing.assert_array_equal(table["age"], age)
    assert table["sex"].tolist() == ["F", "M"] * (n // 2)


def test_the_label_is_the_finest_that_the_corpus_has() -> None:
    clips = synthetic_clips()
    sound = np.where(clips.label == 0, 0, 1 + np.arange(len(clips)) % 3)
    names = np.array(["normal", "crackle", "wheeze", "both"])[sound]
    assert clip_table(replace(clips, sound=sound), ())["label"].tolist() == names.tolist()
    partly = np.where(np.arange(len(clips)) % 2, sound, HIDDEN)
    expected = np.where(np.arange(len(clips)) % 2, names, np.array(clips.classes)[clips.label])
    assert clip_table(replace(clips, sound=partly), ())["label"].tolist() == expected.tolist()
