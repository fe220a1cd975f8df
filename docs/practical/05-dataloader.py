# %% [markdown]
# # 5 · A DataLoader of one's own
#
# A network is trained on batches. PyTorch needs two things: a `Dataset` that returns example i, and a `DataLoader`
# that shuffles, and stacks examples to a batch. Stacking needs equal shapes, but cycles have different durations.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

import respbench
from respbench.features.cache import cached
from respbench.features.images import ResizedMel
from respbench.features.threads import one_thread
from respbench.practical import setting

where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="abnormal")
fold = respbench.folds(clips, "patients-5fold")[0]
train = clips.take(fold.train)
print(where)
shortest, longest = train.seconds.argmin(), train.seconds.argmax()
print(f"shapes of signals: {train.signals[shortest].shape} to {train.signals[longest].shape}")

# %% [markdown]
# One solution is an image of fixed size: the mel-spectrogram, resized along time to 64 frames. Every breath fills the
# image; its shape is kept, its tempo is not.


# %%
class Cycles(Dataset):
    """Mel-spectrograms of cycles, computed when they are asked for."""

    def __init__(self, clips):
        self.clips = clips
        self.image = ResizedMel(n_mels=128, width=64)

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, i):
        """Image (1, bands, frames) in dB, and label."""
        image = self.image([self.clips.signals[i]], self.clips.rate)[0]
        return torch.from_numpy(image), int(self.clips.label[i])


loader = DataLoader(Cycles(train), batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(0))
images, labels = next(iter(loader))
print(f"images {tuple(images.shape)} = (batch, channels, mel bands, frames), labels {tuple(labels.shape)}")

# %%
figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained", sharey=True)
low, high = np.percentile(images[:4].numpy(), [2, 99.8])
for ax, image, label in zip(axes, images, labels, strict=False):
    picture = ax.imshow(image[0].numpy(), origin="lower", aspect="auto", vmin=low, vmax=high, cmap="magma")
    ax.set_title(train.classes[label])
    ax.set_xlabel("frame (of 64)")
figure.colorbar(picture, ax=axes, label="power (dB)")
axes[0].set_ylabel("mel band (of 128, lowest first)")
print(f"mel bands cover 0 to {clips.rate / 2:g} Hz; a cycle of any duration has 64 frames")

# %% [markdown]
# ## What shuffles, what does not
#
# Training batches are shuffled, with a generator whose seed is stated: the same seed gives the same order. Validation
# and test batches are not shuffled, or predictions would belong to other cycles than you think.

# %%
orders = [
    [int(i) for i in torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))[:5]]
    for seed in (0, 0, 1)
]
print("first five cycles with seed 0, 0 and 1:", *orders)

# %% [markdown]
# ## What it costs
#
# This loader computes every image in every epoch. The suite computes each once and keeps it on disk. (One thread: on
# arrays this small, several would wait for each other.)

# %%
cached(ResizedMel(n_mels=128, width=64), train)
with one_thread():
    begin = time.process_time()
    seen = sum(len(labels) for _, labels in loader)
    loaded = time.process_time()
    stored = cached(ResizedMel(n_mels=128, width=64), train)
    read = time.process_time()
print(
    f"{seen} cycles: {loaded - begin:.2f} s of processor time per epoch as above, {read - loaded:.2f} s from the cache"
)
print(f"equal images: {np.allclose(stored[0], Cycles(train)[0][0].numpy())}")

# %% [markdown]
# ## Exercises
#
# **5a.** Another solution: keep the raw signals, and pad them. Write a file with `collate(batch)`, for
# `DataLoader(..., collate_fn=collate)`. A batch is a list of (signal, label), each signal a float32 tensor (samples,).
# Return (signals (batch, longest), lengths (batch,), labels (batch,)), with zeros after each signal's end.
#
#     .venv/bin/python -m respbench.practical check 5a collate.py
#
# **5b.** Classes are unequal. Write a file with `sample_weights(label)`, which returns a weight per clip, such that
# `WeightedRandomSampler` draws every class equally often.
#
#     .venv/bin/python -m respbench.practical check 5b weights.py
