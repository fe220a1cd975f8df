"""The exercises of pages 1 to 5: clips, labels, partitions, features, batches. Each check computes the right answer."""

import math
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.cycles import FOUR_CLASSES, four_class
from respbench.corpora.protocols import find
from respbench.corpora.splits.folds import Fold
from respbench.features.cache import cached
from respbench.features.handcrafted import Handcrafted
from respbench.features.spectral import mono
from respbench.practical.answers import Answer, Wrong, aligned, close, numbers_of
from respbench.practical.setting import Setting, file_names, sounds

RESOLUTION = 10.0
"""Hz that two neighboring frequency bins of exercise 1b may be apart."""

COLUMN = "mfcc_00_mean"


@lru_cache(maxsize=8)
def fold_of(setting: Setting, protocol: str = "patients-5fold") -> Fold:
    """The first fold of the first repeat."""
    return next(iter(find(protocol).splitter.split(sounds(setting), 0)))


def longest_cycle(answer: Answer, setting: Setting) -> str:
    """1a: s of the longest cycle."""
    (given,) = answer.numbers("duration in s")
    clips = sounds(setting)
    longest = float(clips.seconds.max())
    if close(given, longest * clips.rate, 0.5):
        raise Wrong(f"{given:g} is a number of samples; divide by the rate to get s")
    if close(given, 1000 * longest, 6):
        raise Wrong(f"{given:g} are milliseconds; give s")
    if not close(given, longest, 0.006):
        raise Wrong(f"the longest cycle does not last {given:g} s, to two decimals; look at clips.seconds")
    return "the duration of the longest cycle"


def frame_length(answer: Answer, setting: Setting) -> str:
    """1b: the shortest frame, a power of two, whose bins are at most `RESOLUTION` apart."""
    (given,) = answer.numbers("samples per frame")
    rate = sounds(setting).rate
    if given < 2 or math.log2(given) % 1:
        raise Wrong(f"{given:g} is no power of two")
    if rate / given > RESOLUTION:
        raise Wrong(f"bins of frames of {given:g} samples are {rate / given:.1f} Hz apart, more than {RESOLUTION:g} Hz")
    if rate / (given / 2) <= RESOLUTION:
        raise Wrong(f"half as many samples, {given / 2:g}, resolve {RESOLUTION:g} Hz as well, and time twice as well")
    return f"bins {rate / given:.1f} Hz apart, frames of {1000 * given / rate:g} ms"


def label_of(answer: Answer, setting: Setting) -> str:
    """2a: a function from a file name to one of the four classes."""
    function = answer.function("label_of")
    made_up = {
        f"{recording}_segment_{number}_{crackle}_{wheeze}.{ending}": four_class(bool(crackle), bool(wheeze))
        for recording in ("101_1b1_Al_sc_Meditron", "107_2b3_Ar_mc_AKGC417L", "1_0_1_mc_1_1")
        for number in (1, 10, 101)
        for crackle in (0, 1)
        for wheeze in (0, 1)
        for ending in ("wav", "flac")
    }
    clips = sounds(setting, "four-class")
    own = {name: FOUR_CLASSES[label] for name, label in zip(file_names(clips), clips.label, strict=True)}
    for name, right in {**made_up, **own}.items():
        given = function(name)
        if given != right:
            raise Wrong(f"label_of({name!r}) is {given!r} and must be {right!r}")
    return f"{len(made_up) + len(own)} names"


def patients_with_both(answer: Answer, setting: Setting) -> str:
    """2b: patients with normal and abnormal cycles."""
    (given,) = answer.numbers("number of patients")
    clips = sounds(setting)
    counts = pd.crosstab(clips.patient, clips.label).to_numpy()
    both = int((counts > 0).all(axis=1).sum())
    if given == both:
        return f"of {len(counts)} patients"
    if given == len(counts):
        raise Wrong(f"{given:g} is the number of all patients")
    if given == len(counts) - both:
        raise Wrong(f"{given:g} patients have cycles of one class only; the others are asked for")
    raise Wrong(f"not {given:g} patients have both; count the classes of each with pandas.crosstab")


def partition(answer: Answer, setting: Setting) -> str:
    """3a: clip_id, part: a partition by patient into train, valid and test."""
    clips = sounds(setting)
    part = aligned(answer.table(("clip_id", "part")), clips.clip_id.tolist())["part"].to_numpy()
    strange = sorted(set(part) - {"train", "valid", "test"})
    if strange:
        raise Wrong(f"{strange[0]!r} is no part; use train, valid and test")
    owners = pd.crosstab(clips.patient, part)
    torn = owners.index[(owners > 0).sum(axis=1) > 1]
    if len(torn):
        raise Wrong(
            f"{len(torn)} patients are in several parts, such as {torn[0]}, with "
            + " and ".join(f"{count} clips in {name}" for name, count in owners.loc[torn[0]].items() if count)
        )
    for name, low, high in (("train", 0.5, 0.9), ("valid", 0.03, 0.3), ("test", 0.1, 0.35)):
        rows = part == name
        if not low <= rows.mean() <= high:
            raise Wrong(f"{name} holds {rows.mean():.0%} of the clips; make it {low:.0%} to {high:.0%}")
        if len(set(clips.label[rows].tolist())) < len(clips.classes):
            raise Wrong(f"{name} lacks a class; move patients who have it there")
    return f"{len(owners)} patients, none of them in two parts"


def balanced_folds(answer: Answer, setting: Setting) -> str:
    """3b: patient, fold: five folds as balanced as the best quarter of random ones."""
    clips = sounds(setting)
    table = answer.table(("patient", "fold"))
    if table["patient"].duplicated().any():
        raise Wrong(f"patient {table['patient'][table['patient'].duplicated()].iloc[0]} occurs twice")
    fold_by_patient = dict(zip(table["patient"], table["fold"], strict=True))
    patients = np.unique(clips.patient)
    absent = [patient for patient in patients.tolist() if patient not in fold_by_patient]
    if absent:
        raise Wrong(f"patient {absent[0]} has no fold")
    folds = np.array([fold_by_patient[patient] for patient in patients.tolist()])
    names, numbers = np.unique(folds, return_inverse=True)
    if len(names) != 5:
        raise Wrong(f"there are {len(names)} folds: {', '.join(names.tolist())}; make five")
    rng = np.random.default_rng(0)
    chance = [imbalance(clips, patients, rng.permutation(np.arange(len(patients)) % 5)) for _ in range(200)]
    own, bound = imbalance(clips, patients, numbers), float(np.quantile(chance, 0.25))
    if own > bound:
        raise Wrong(
            f"the share of abnormal clips of a fold is up to {100 * own:.1f} points off that of all clips; a quarter "
            f"of random assignments are within {100 * bound:.1f}"
        )
    return f"shares of abnormal clips within {100 * own:.1f} points"


def imbalance(clips: Clips, patients: NDArray[np.str_], fold: NDArray[np.int64]) -> float:
    """The largest difference between the share of abnormal clips of a fold and that of all clips; 1 if one is empty."""
    of_clip = fold[np.searchsorted(patients, clips.patient)]
    abnormal = clips.label > 0
    count = np.bincount(of_clip, minlength=5)
    if not count.all():
        return 1.0
    return float(np.abs(np.bincount(of_clip, abnormal, minlength=5) / count - abnormal.mean()).max())


def level(answer: Answer, setting: Setting) -> str:
    """4a: clip_id, level_db: the level of each clip in dB of full scale."""
    clips = sounds(setting)
    given = numbers_of(aligned(answer.table(("clip_id", "level_db")), clips.clip_id.tolist()), "level_db").to_numpy()
    power = np.array([np.square(mono(signal)).mean() for signal in clips])
    right = 10 * np.log10(np.maximum(power, 1e-10))
    off = np.abs(given - right)
    if off.max() <= 0.05:
        return f"{len(clips)} levels"
    for name, other in (("the root of the power, not its level", np.sqrt(power)), ("half of the level", right / 2)):
        if np.abs(given - other).max() <= 0.05:
            raise Wrong(f"these are {name}; the level is 10 log10 of the mean square")
    worst = int(off.argmax())
    raise Wrong(
        f"{clips.clip_id[worst]} has {given[worst]:.2f} dB, which is {off[worst]:.2f} dB off; the level is 10 log10 of "
        "the mean square"
    )


def training_mean(answer: Answer, setting: Setting) -> str:
    """4b: the mean of a column over the training clips of the first fold."""
    (given,) = answer.numbers(f"mean of {COLUMN}")
    clips, fold = sounds(setting), fold_of(setting)
    extractor = Handcrafted()
    column = cached(extractor, clips)[:, extractor.columns.index(COLUMN)].astype(np.float64)
    if close(given, column[fold.train].mean(), 0.006):
        return f"over {len(fold.train)} training clips"
    others = {"all clips, the tested ones included": np.arange(len(clips)), "the tested clips": fold.test}
    others["the training and the validation clips"] = np.concatenate([fold.train, fold.valid])
    for name, rows in others.items():
        if close(given, column[rows].mean(), 0.006):
            raise Wrong(f"{given:g} is the mean over {name}; a scaler sees the training clips alone")
    raise Wrong(f"{given:g} is not the mean of {COLUMN} over fold.train, to two decimals")


def collate(answer: Answer, setting: Setting) -> str:
    """5a: a collate function that pads signals with zeros."""
    function = answer.function("collate")
    rng = np.random.default_rng(5)
    for lengths in ((5, 9, 2), (4, 4), (7,)):
        signals = [torch.from_numpy(rng.normal(size=n).astype(np.float32)) for n in lengths]
        given = function([(signal, number % 2) for number, signal in enumerate(signals)])
        if not isinstance(given, tuple) or len(given) != 3:
            raise Wrong("collate must return a tuple of three tensors: signals, lengths, labels")
        padded, sizes, labels = (torch.as_tensor(part) for part in given)
        if tuple(padded.shape) != (len(lengths), max(lengths)):
            raise Wrong(
                f"signals of {lengths} samples gave shape {tuple(padded.shape)}, not {(len(lengths), max(lengths))}"
            )
        if padded.dtype != torch.float32 or labels.dtype != torch.int64:
            raise Wrong(f"signals are {padded.dtype} and labels {labels.dtype}; make them float32 and int64")
        if sizes.tolist() != list(lengths):
            raise Wrong(f"signals of {lengths} samples gave the lengths {sizes.tolist()}")
        if labels.tolist() != [number % 2 for number in range(len(lengths))]:
            raise Wrong("the labels are not those of the batch, in its order")
        for row, signal in zip(padded, signals, strict=True):
            if not torch.equal(row[: len(signal)], signal):
                raise Wrong(f"a signal of {len(signal)} samples does not begin its row unchanged")
            if row[len(signal) :].any():
                raise Wrong(f"what follows a signal of {len(signal)} samples is not zero")
    return "padding, lengths and labels"


def sample_weights(answer: Answer, setting: Setting) -> str:
    """5b: a function from labels to the weights of a WeightedRandomSampler that draws the classes equally often."""
    function = answer.function("sample_weights")
    own = sounds(setting).label[fold_of(setting).train]
    for label in (np.array([0, 0, 0, 1]), np.array([2, 0, 1, 1, 0, 2, 2, 2]), own):
        weight = np.asarray(function(label.copy()), dtype=np.float64)
        if weight.shape != label.shape:
            raise Wrong(f"{len(label)} labels gave weights of shape {weight.shape}; one weight per clip is needed")
        if not (np.isfinite(weight).all() and (weight > 0).all()):
            raise Wrong("weights must be finite and above 0")
        share = np.bincount(label, weight) / weight.sum()
        if np.ptp(share) > 1e-6:
            raise Wrong(
                f"the classes of {label[:8].tolist()} … would be drawn with shares {np.round(share, 3).tolist()}"
            )
        if any(np.ptp(weight[label == one]) > 1e-9 * weight.max() for one in np.unique(label)):
            raise Wrong("clips of one class have different weights")
    return "equal shares of the classes"
