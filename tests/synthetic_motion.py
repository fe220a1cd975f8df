"""Synthetic movements for tests: a swinging sensor with three axes, each activity at a pace and strength of its own."""

import numpy as np
import pandas as pd

from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Clips

RATE = 32
"""Hz."""

GRAVITY = 9.81
"""m/s²."""

ACTIVITIES = {"rest": (0.0, 0.0), "stroll": (1.0, 2.0), "run": (3.0, 6.0)}
"""Pace in Hz and strength in m/s² by name."""


def movements(subjects: int = 9, trials: int = 2, seconds: tuple[float, float] = (2.0, 4.0), seed: int = 0) -> Clips:
    """Trials of every activity by every subject, of random duration; each wears the sensor a little differently."""
    rng = np.random.default_rng(seed)
    signals, label, patient = [], [], []
    for subject in range(subjects):
        down = np.array([0.0, 0.0, 1.0]) + 0.3 * rng.normal(size=3)
        for trial in range(trials * len(ACTIVITIES)):
            activity = trial % len(ACTIVITIES)
            pace, strength = list(ACTIVITIES.values())[activity]
            time = np.arange(round(rng.uniform(*seconds) * RATE)) / RATE
            swing = strength * np.sin(2 * np.pi * pace * (time + rng.uniform()))
            series = GRAVITY * down[:, None] / np.linalg.norm(down) + np.outer(rng.normal(size=3), swing)
            signals.append((series + 0.2 * rng.normal(size=series.shape)).astype(np.float32))
            label.append(activity)
            patient.append(f"s{subject}")
    names = np.array([f"trial{number:03}" for number in range(len(signals))])
    return Clips(
        signals=signals,
        rate=RATE,
        label=np.array(label, dtype=np.int64),
        patient=np.array(patient),
        clip_id=names,
        classes=tuple(ACTIVITIES),
        meta=pd.DataFrame({"recording": names}),
        modality=MOTION,
    )


def parts(clips: Clips) -> tuple[Clips, Clips, Clips]:
    """Those of six subjects to train on, of one to validate, and of two to test."""
    owner = np.array([int(name[1:]) for name in clips.patient])
    train, valid, test = (clips.take(np.flatnonzero(rows)) for rows in (owner < 6, owner == 6, owner > 6))
    return train, valid, test
