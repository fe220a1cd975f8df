# %% [markdown]
# # 1 · Look before you train
#
# A breathing cycle is a short sound: one inspiration and one expiration. Doctors listen for two kinds of added
# ("adventitious") sounds. **Crackles** are explosive and last some milliseconds; **wheezes** are musical and last
# longer than a tenth of a second. Look at both before a model does.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import welch

import respbench
from respbench.practical import setting

where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="four-class")
print(where)
print(f"{len(clips)} cycles of {len(np.unique(clips.patient))} patients, {clips.rate} samples per second (Hz)")
print(
    f"a cycle lasts {np.median(clips.seconds):.1f} s in the median, "
    f"{clips.seconds.min():.1f} to {clips.seconds.max():.1f} s in all"
)

# %% [markdown]
# `clips` is a table: row i of `signals`, `label`, `patient`, `clip_id` and `meta` is the same cycle. A signal has the
# shape (channels, samples); full scale is 1.

# %%
respbench.table(clips).head(4)

# %% [markdown]
# ## Waveform and mel-spectrogram
#
# The waveform shows when it is loud. The spectrogram shows at which frequency: the signal is cut into short
# overlapping frames, and each column is the spectrum of one frame. On the **mel** scale, equal steps sound equally far
# apart; the color is power in decibels (dB), and 10 dB are a factor of ten.


# %%
def typical(name):
    """The cycle of a class whose duration is closest to the median."""
    rows = np.flatnonzero(clips.label == clips.classes.index(name))
    return rows[np.argmin(np.abs(clips.seconds[rows] - np.median(clips.seconds)))]


figure, axes = plt.subplots(2, 3, figsize=(12, 6.5), layout="constrained", height_ratios=[2, 3])
for column, name in enumerate(("normal", "crackle", "wheeze")):
    row = typical(name)
    respbench.figures.waveform(clips.signals[row], clips.rate, ax=axes[0, column])
    respbench.figures.mel_spectrogram(clips.signals[row], clips.rate, ax=axes[1, column])
    axes[0, column].set_title(f"{name}, patient {clips.patient[row]}")

# %% [markdown]
# A wheeze is a horizontal line, a crackle a vertical one. Most cycles show neither clearly: that is the difficulty of
# the task, and a reason to distrust high numbers.
#
# ## Why 4 kHz
#
# A rate of 4000 Hz keeps frequencies up to half of it, 2000 Hz (Nyquist). Is that enough? Compute how much of the
# power lies below each frequency.

# %%
spectra = np.array([welch(signal[0], clips.rate, nperseg=512)[1] for signal in clips.signals[::4]])
frequency = np.fft.rfftfreq(512, 1 / clips.rate)
below = np.cumsum(spectra, axis=1) / spectra.sum(axis=1, keepdims=True)
low, middle, high = np.percentile(100 * below, [5, 50, 95], axis=0)

figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
ax.fill_between(frequency, low, high, alpha=0.3, label="9 of 10 cycles")
ax.plot(frequency, middle, label="median cycle")
ax.set_xlabel("frequency (Hz)")
ax.set_ylabel("power below it (%)")
ax.set_ylim(0, 102)
ax.set_xscale("log")
ax.set_xlim(10, clips.rate / 2)
ax.set_xticks([10, 20, 50, 100, 200, 500, 1000, 2000], [10, 20, 50, 100, 200, 500, 1000, 2000])
ax.grid(color="0.92")
ax.set_axisbelow(True)
ax.minorticks_off()
ax.legend(frameon=False, loc="lower right")
print(f"half of the cycles have 99 % of their power below {frequency[np.argmax(middle >= 99)]:.0f} Hz")

# %% [markdown]
# Lung sounds lie below 2 kHz (Sovijärvi et al. 2000). Above, recordings differ in their stethoscope and microphone: a
# model that is given these frequencies can recognize the device, and with it the patient and the diagnosis. The lower
# rate removes what can only mislead, and makes everything faster.
#
# A rate is lowered with a low-pass filter *first*. Without it, higher frequencies are folded back (aliasing):

# %%
time = np.arange(16000) / 16000
tone = np.sin(2 * np.pi * 2500 * time)
taken = tone[::4]  # every fourth sample, no filter: 4000 Hz
found = np.fft.rfftfreq(len(taken), 1 / 4000)[np.abs(np.fft.rfft(taken)).argmax()]
print(f"a tone of 2500 Hz, every fourth of 16000 samples per second taken: it now is at {found:.0f} Hz")

# %% [markdown]
# ## Exercises
#
# **1a.** How long is the longest cycle, in s, to two decimals?
#
#     .venv/bin/python -m respbench.practical check 1a SECONDS
#
# **1b.** Frequency bins of a frame of N samples are rate / N apart. Which is the shortest frame, a power of two, whose
# bins are at most 10 Hz apart at this rate? (What does a longer frame cost in time?)
#
#     .venv/bin/python -m respbench.practical check 1b SAMPLES
