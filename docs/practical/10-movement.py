# %% [markdown]
# # 10 · Movement, both ways
#
# An inertial sensor (IMU) at the wrist measures acceleration along three axes, in m/s². The same splitter, loop and
# reports apply: a *patient* becomes a *subject*, a class an activity. A network can be given the series in two ways:
# as images (spectrograms), or raw.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

import respbench
from respbench.models.networks.motion import Spectrogram, series_of
from respbench.practical import setting

where = setting.chosen()
clips = setting.movements(where)
print("SIMULATED movements" if where.hmp is None else "HMP, recorded at the wrist")
print(
    f"{len(clips)} trials of {len(np.unique(clips.patient))} subjects, {len(clips.classes)} activities, {clips.rate} Hz"
)
print(f"a trial has the shape {clips.signals[0].shape} = (axes, samples)")

# %%
shown = [int(np.flatnonzero(clips.label == c)[0]) for c in np.argsort(-np.bincount(clips.label), kind="stable")[:3]]
figure, axes = plt.subplots(2, 3, figsize=(12, 5.2), layout="constrained")
for column, row in enumerate(shown):
    series, time = clips.signals[row], np.arange(clips.signals[row].shape[1]) / clips.rate
    for axis, name in zip(series, "xyz", strict=False):
        axes[0, column].plot(time, axis, label=name, linewidth=1)
    axes[0, column].set_title(f"{clips.classes[clips.label[row]]}, subject {clips.patient[row]}")
    axes[0, column].set_xlabel("time (s)")
    turn = Spectrogram(clips.rate)
    centered = torch.from_numpy(series - series.mean(axis=1, keepdims=True))[None, :, None]
    image = turn(centered)[0].mean(0)[1:].numpy()  # the mean over axes, without the band at 0 Hz
    extent = (0, time[-1], 0.5 * clips.rate / turn.n_fft, (turn.bands - 0.5) * clips.rate / turn.n_fft)
    picture = axes[1, column].imshow(image, origin="lower", aspect="auto", extent=extent, vmin=0, vmax=40, cmap="magma")
    axes[1, column].set_xlabel("time (s)")
axes[0, 0].legend(frameon=False, ncols=3, fontsize=8)
figure.colorbar(picture, ax=axes[1, :], label="power (dB)")
for ax, label in zip(axes[:, 0], ("acceleration (m/s²)", "frequency (Hz)"), strict=True):
    ax.set_ylabel(label)

# %% [markdown]
# Two facts to see in the curves. Gravity, about 9.8 m/s², is always there: its share in each axis shows how the sensor
# is turned. And repeated movements are lines in the spectrogram: steps come at 1 to 3 Hz.
#
# ## Images and raw series: shapes

# %%
fold = respbench.folds(clips, "subjects-5fold")[0]
train = clips.take(fold.train)
extractor = series_of(train)
series = torch.from_numpy(extractor(train.signals[:4], clips.rate))
images = Spectrogram(clips.rate)(series)
print(f"raw series {tuple(series.shape)} = (batch, axes, 1, samples): cnn-1d, gru and cnn-gru-1d slide along time")
print(f"images {tuple(images.shape)} = (batch, axes, bands, frames): cnn and cnn-gru see one image per axis")

# %%
print(f"tested: {len(fold.test)} trials of {len(np.unique(clips.patient[fold.test]))} subjects")
epochs = {"epochs": where.epochs(16)}
rows = []
for name, given in (("cnn", "images"), ("cnn-1d", "raw series"), ("svm", "statistics")):
    model = respbench.fit(name, clips, fold, **({} if name == "svm" else epochs))
    metrics = respbench.evaluate(model, clips, fold).metrics()["value"]
    rows.append({"model": name, "is given": given, "numbers": model.n_parameters, "score": metrics["score"]})
pd.DataFrame(rows).set_index("model").round(2)

# %% [markdown]
# Score is the mean recall of the activities. This is one fold, of few subjects: an example that the pieces fit.
#
# ## What the committed results show
#
# HMP, 16 subjects, five folds by subject, and the same trials with subjects mixed.

# %%
tables = [
    respbench.results(setting.results(f"hmp/activity/{protocol}")) for protocol in ("patients-5fold", "random-5fold")
]
by_subject, mixed = (table[table["metric"] == "score"].set_index("model") for table in tables)
NETWORKS = {
    "cnn": "images",
    "cnn-gru": "images",
    "cnn-1d": "raw",
    "gru": "raw",
    "cnn-gru-1d": "raw",
    "svm": "statistics",
}
scores = pd.DataFrame(
    {
        "is given": pd.Series(NETWORKS),
        "new subjects": by_subject["value"],
        "low": by_subject["low"],
        "high": by_subject["high"],
        "LEAKY: subjects mixed": mixed["value"],
    }
).loc[list(NETWORKS)]
scores.round(2)

# %%
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
position = np.arange(len(scores))[::-1]
ax.hlines(position, scores["low"], scores["high"], linewidth=2)
ax.plot(scores["new subjects"], position, "o", label="new subjects, 95 % interval")
ax.plot(scores["LEAKY: subjects mixed"], position, "x", color="C3", label="LEAKY: subjects mixed")
ax.set_yticks(position, [f"{name} ({given})" for name, given in scores["is given"].items()])
ax.set_xlabel("score (balanced accuracy)")
ax.set_xlim(0, 1)
ax.grid(axis="x", color="0.92")
ax.legend(frameon=False, fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
raw, images = (scores.loc[scores["is given"] == given, "new subjects"] for given in ("raw", "images"))
print(f"raw series: scores of {raw.min():.2f} to {raw.max():.2f}; images: {images.min():.2f} to {images.max():.2f}")
print(f"the intervals are {(scores['high'] - scores['low']).min():.2f} wide or more")

# %% [markdown]
# The intervals are nearly as wide as the scale, since few subjects did each activity and one has most of the trials.
# The table shows what mixing subjects does, in every row; it does not show which way of giving a network the series is
# better.
#
# ## Exercises
#
# **10a.** A trial of 7.3 s at 32 Hz is cut into windows of 2 s that begin every 1 s, plus one that ends with the trial
# if samples are left. How many windows are there?
#
#     .venv/bin/python -m respbench.practical check 10a WINDOWS
#
# **10b.** A sensor may sit turned on the wrist. Write a file with `magnitude(series)`, from (3, samples) to
# (samples,): the length of the acceleration in m/s², which no rotation changes.
#
#     .venv/bin/python -m respbench.practical check 10b magnitude.py
