# %% [markdown]
# # 8 · CNN + GRU, and the reshape
#
# The dense layer of page 6 has a weight for each place in the image. A breath is a sequence: a recurrent layer (GRU:
# gated recurrent unit) reads it frame by frame, with the same weights at each step, and its last state sums it up.
# Between the two lies the one line of the practical that goes wrong most often.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn

import respbench
from respbench.features.cache import cached
from respbench.features.images import ResizedMel
from respbench.models.networks.cnn import convolutions
from respbench.practical import setting

where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="abnormal")
fold = respbench.folds(clips, "patients-5fold")[0]
print(where)

# %% [markdown]
# ## Shapes, step by step

# %%
images = torch.from_numpy(cached(ResizedMel(), clips.take(fold.train[:16])))
torch.manual_seed(0)
with torch.no_grad():
    maps = convolutions(1)(images)
    sequence = maps.flatten(1, 2)  # channels and bands become one axis
    steps = sequence.transpose(1, 2)  # frames come second
    gru = nn.GRU(input_size=steps.shape[2], hidden_size=64, batch_first=True)
    states, last = gru(steps)
shapes = {
    "images": (images, "batch, channels, bands, frames"),
    "convolutions, twice pooled": (maps, "batch, channels, bands / 4, frames / 4"),
    "flatten(1, 2)": (sequence, "batch, channels * bands / 4, frames / 4"),
    "transpose(1, 2)": (steps, "batch, steps, numbers per step"),
    "GRU: all states": (states, "batch, steps, hidden"),
    "GRU: last state": (last, "1, batch, hidden"),
}
pd.DataFrame({name: {"shape": tuple(t.shape), "axes": axes} for name, (t, axes) in shapes.items()}).T

# %% [markdown]
# A step is one frame of the maps: all channels and bands at that time. `maps.reshape(batch, steps, -1)` has the same
# shape and runs without an error, but cuts memory at the wrong places. Mark each number with the frame it comes from,
# and look.

# %%
batch, channels, bands, frames = maps.shape
mark = torch.arange(frames).expand(1, channels, bands, frames)
right = mark.flatten(1, 2).transpose(1, 2)[0]
wrong = mark.reshape(1, frames, channels * bands)[0]

figure, axes = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", sharey=True)
for ax, numbers, title in ((axes[0], right, "flatten, transpose"), (axes[1], wrong, "reshape alone: frames are mixed")):
    picture = ax.imshow(numbers[:, :64].numpy(), aspect="auto", cmap="viridis", interpolation="nearest")
    ax.set_title(title)
    ax.set_xlabel(f"number within the step (first 64 of {numbers.shape[1]})")
axes[0].set_ylabel(f"step of the GRU (of {frames})")
figure.colorbar(picture, ax=axes, label="frame that the number comes from")
print(f"frames within the first step: {len(set(right[0].tolist()))} and {len(set(wrong[0].tolist()))}")

# %% [markdown]
# ## Does it help?

# %%
models = {name: respbench.fit(name, clips, fold, epochs=where.epochs(6)) for name in ("cnn", "cnn-gru")}
rows = []
for name, model in models.items():
    metrics = respbench.evaluate(model, clips, fold).metrics()["value"]
    rows.append({"model": name, "weights": model.n_parameters, "score": metrics["score"], "AUROC": metrics["auroc"]})
pd.DataFrame(rows).set_index("model").round(2)

# %%
figure, axes = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", sharey=True)
for ax, model in zip(axes, models.values(), strict=True):
    respbench.figures.learning_curves(model, ax=ax)

# %% [markdown]
# One fold and one seed are no verdict: the same two networks, fitted with other weights and folds, exchange places.
# The committed results on ICBHI have three repeats of five folds. In how many of these 15 is the GRU ahead?

# %%
stored = respbench.predictions(setting.results("icbhi/abnormal/patients-5fold"))
stored = stored[stored["model"].isin(["cnn", "cnn-gru"])]


def auroc(rows):
    """The share of pairs of an abnormal and a normal cycle that is in the right order."""
    abnormal, normal = (rows.loc[rows["label"] == name, "p_abnormal"].to_numpy() for name in ("abnormal", "normal"))
    return np.mean((abnormal[:, None] > normal) + 0.5 * (abnormal[:, None] == normal))


areas = stored.groupby(["model", "repeat", "fold"])[["label", "p_abnormal"]].apply(auroc).unstack("model")
ahead = areas["cnn-gru"] - areas["cnn"]
print(f"cnn-gru has the higher AUROC in {(ahead > 0).sum()} of {len(ahead)} folds;")
print(f"the differences range from {ahead.min():+.2f} to {ahead.max():+.2f}, their mean is {ahead.mean():+.3f}")

# %% [markdown]
# ## Exercises
#
# **8a.** Images of shape (8, 1, 64, 160) pass the same convolutions. Which shape has the sequence that the GRU reads
# (`batch_first=True`)?
#
#     .venv/bin/python -m respbench.practical check 8a BATCH STEPS NUMBERS
#
# **8b.** Write a file with `to_sequence(maps)`, from (batch, channels, bands, frames) to (batch, frames, channels *
# bands).
#
#     .venv/bin/python -m respbench.practical check 8b sequence.py
