# %% [markdown]
# # 7 · Confusion matrix, report, and intervals over patients
#
# One fold tests a fifth of the patients. Fit your network on all five folds, so that every patient is tested once, by
# a network that was trained on others. (Five epochs instead of sixteen, to save time.)

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import respbench
from respbench.practical import setting

where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="abnormal")
print(where)
cnn = respbench.cross_validate(setting.PAGES / "two_layers.py", clips, epochs=where.epochs(5), progress=False)
svm = respbench.cross_validate("svm", clips, progress=False)

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, evaluation in zip(axes, (cnn, svm), strict=True):
    respbench.figures.confusion_matrix(evaluation, ax=ax)

# %%
print(cnn.report())
print()
print(svm.report())

# %% [markdown]
# Read it by rows. **Recall** of *abnormal* is the sensitivity: of the abnormal cycles, the share that is called
# abnormal. Recall of *normal* is the specificity. **Precision** is the other direction: of what is called abnormal,
# the share that is. Precision depends on how common abnormal cycles are here, and in a clinic they are as common as
# the clinic makes them. **Score** is the mean of sensitivity and specificity: 0.5 for every model that ignores the
# sound.

# %%
majority = max(np.bincount(clips.label)) / len(clips)
print(f"calling every cycle {clips.classes[np.bincount(clips.label).argmax()]} has an accuracy of {majority:.2f}")
pd.DataFrame({"two-layers": cnn.metrics()["value"], "svm": svm.metrics()["value"]}).loc[
    ["accuracy", "score", "sensitivity", "specificity", "auroc"]
].round(2)

# %% [markdown]
# ## How certain? An interval over patients
#
# Another 95 % interval is found in every textbook: draw as many cycles with replacement, compute the accuracy, repeat.
# It assumes that cycles are independent. They are not: what is new is the next *patient*, so draw patients, each with
# all of their cycles.

# %%
correct = (svm.probabilities.argmax(axis=1) == svm.clips.label).astype(float)
owner = np.unique(svm.clips.patient, return_inverse=True)[1]
rng = np.random.default_rng(0)


def bootstrap(owner, draws=2000):
    """Accuracies with owners (cycles or patients) drawn with replacement."""
    right, count = np.bincount(owner, correct), np.bincount(owner)
    drawn = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=draws)
    return (drawn @ right) / (drawn @ count)


figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
by_unit = {"patients": bootstrap(owner), "cycles (too narrow)": bootstrap(np.arange(len(correct)))}
edges = np.linspace(by_unit["patients"].min(), by_unit["patients"].max(), 31)
widths = {}
for name, accuracies in by_unit.items():
    low, high = np.percentile(accuracies, [2.5, 97.5])
    widths[name] = high - low
    counts, _ = np.histogram(accuracies, edges)
    ax.stairs(100 * counts / counts.sum(), edges, label=f"drawing {name}: [{low:.3f}, {high:.3f}]", linewidth=1.8)
ax.axvline(correct.mean(), color="0.4", linestyle=":", label="measured")
ax.set_xlabel("accuracy of svm")
ax.set_ylabel("draws (%)")
ax.set_ylim(0, 1.4 * ax.get_ylim()[1])
ax.legend(frameon=False, fontsize=9, loc="upper left")
ax.set_axisbelow(True)
ax.grid(color="0.92")
print(f"drawing patients makes the interval {widths['patients'] / widths['cycles (too narrow)']:.1f} times as wide")

# %% [markdown]
# With few patients even this interval is too narrow: percentile intervals over patients cover less than 95 % (the
# suite [simulated it](../../results/coverage.md)). The suite leaves out one patient at a time instead, and adds what
# training on other patients changes:

# %%
intervals = {}
for name, evaluation in (("two-layers", cnn), ("svm", svm)):
    metrics = evaluation.metrics().loc[["score", "sensitivity", "specificity", "auroc"]]
    intervals[name] = [f"{row.value:.2f} [{row.low:.2f}, {row.high:.2f}]" for row in metrics.itertuples()]
pd.DataFrame(intervals, index=metrics.index)

# %% [markdown]
# Do not compare the two columns by whether intervals overlap; page 11 says how to compare.
#
# ## Exercises
#
# Both are about stored predictions: `results/icbhi/abnormal/patients-5fold/runs/cnn/seed0-fold*.csv.gz`, five files
# with a row per tested cycle (`respbench.predictions` or `pandas.read_csv` read them).
#
# **7a.** Sensitivity and specificity over the five folds, to three decimals.
#
#     .venv/bin/python -m respbench.practical check 7a SENSITIVITY SPECIFICITY
#
# **7b.** The 95 % percentile bootstrap interval of the accuracy, over patients (2000 draws or more).
#
#     .venv/bin/python -m respbench.practical check 7b LOW HIGH
