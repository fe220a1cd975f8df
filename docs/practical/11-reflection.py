# %% [markdown]
# # 11 · Write the reflection
#
# You have numbers. Which sentences do they support? This page takes the committed results on ICBHI, every model on the
# same folds of the same patients, and tries four sentences that reports often contain.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import auroc_by_fold, evaluate_leading
from respbench.benchmarks.statistics.pairwise import Pairwise
from respbench.benchmarks.storage.store import Store
from respbench.practical import setting
from respbench.practical.exercises_results import CLAIMS

report = load_results(Store(setting.results("icbhi/abnormal/patients-5fold")), evaluate_leading)
pairs = Pairwise.of(report, "auroc")
print(report.title)
print(f"{len(pairs.models)} models, {len(report.patients)} patients")

# %%
SHOWN = ("ensemble-planted", "svm-adventitious", "svm", "metadata", "cnn-gru", "cnn", "prior")
estimates = {name: report.find(name).estimate("auroc") for name in SHOWN}
figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
position = np.arange(len(SHOWN))[::-1]
ax.hlines(position, [e.low for e in estimates.values()], [e.high for e in estimates.values()], linewidth=2)
ax.plot([e.value for e in estimates.values()], position, "o")
ax.axvline(0.5, color="0.4", linestyle="--", linewidth=1)
ax.set_yticks(position, SHOWN)
ax.set_xlabel("AUROC, with 95 % interval over patients (dashed: chance)")
ax.grid(axis="x", color="0.92")

# %% [markdown]
# ## "The intervals overlap, so the models do not differ"
#
# Wrong. The intervals say how each model would do on *other patients*. Both models would get the same patients, easy
# or hard, so that most of this uncertainty cancels in the difference. Look at the interval of the paired difference.

# %%
one, other = "svm-adventitious", "svm"
a, b, gain = estimates[one], estimates[other], pairs.differences[one, other]
print(f"{one}: {a.value:.2f} [{a.low:.2f}, {a.high:.2f}]")
print(f"{other}: {b.value:.2f} [{b.low:.2f}, {b.high:.2f}]")
print(f"the intervals {'overlap' if a.low < b.high else 'do not overlap'}")
print(
    f"paired difference {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}], "
    f"0 is {'outside' if gain.excludes_zero else 'inside'}"
)

# %% [markdown]
# Overlapping intervals of single models prove nothing, in either direction.
#
# ## "It has the highest AUROC, so it is the best"
#
# Among many models, the highest value is partly luck: it was picked for being high. Compared are all pairs, and the
# p-values are adjusted for their number (Holm).

# %%
leader = max(pairs.models, key=lambda name: report.find(name).value("auroc"))
raw = [name for name in pairs.others(leader) if pairs.differences[leader, name].low > 0]
adjusted = [name for name in pairs.others(leader) if pairs.better(leader, name)]
print(f"{leader} has the highest AUROC of {len(pairs.models)} models")
print(f"one pair at a time, it is above {len(raw)} of the {len(pairs.models) - 1} others;")
print(f"adjusted for all {pairs.family} pairs, it is above {len(adjusted)}")

# %% [markdown]
# ## "No difference was found, so they are equal"
#
# Wrong again. The interval states which differences are possible. Equality would need an interval that lies within
# what you call equal, and that you stated before.

# %%
gain = pairs.differences["cnn-gru", "cnn"]
print(f"cnn-gru minus cnn: {gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")
print(f"it may be worse by {-gain.low:.2f} or better by {gain.high:.2f}: undecided")

# %% [markdown]
# ## "In our experiment, it was better"
#
# One fold with one seed is one draw. Here are all draws: the AUROC of the two networks in each fold of each repeat.

# %%
areas = {
    name: np.array(
        [auroc_by_fold(p, np.ones((1, len(report.patients))))[:, 0] for p in report.find(name).predictions.values()]
    )
    for name in ("cnn-gru", "cnn")
}
difference = (areas["cnn-gru"] - areas["cnn"]).ravel()
figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
ax.plot(difference, np.zeros_like(difference), "|", markersize=24, markeredgewidth=2)
ax.axvline(0, color="0.4", linestyle="--", linewidth=1)
ax.set_xlabel(f"AUROC of cnn-gru minus cnn, {len(difference)} folds")
ax.set_yticks([])
print(f"cnn-gru is ahead in {(difference > 0).sum()} of {len(difference)} folds: either report could have been written")

# %% [markdown]
# ## Say it
#
# A reflection that holds names the number, its interval, what it was measured on, and what follows:
#
# - *what*: the difference, not two values; with its interval; one pair chosen before, or adjusted for all;
# - *on whom*: new patients of which database, how many; and not: mixed patients, or another hospital;
# - *what not*: that an interval includes 0 shows neither equality nor that a method is useless;
# - *beside what*: `prior` and `metadata`, the controls without audio. What does the sound add?

# %%
gain = pairs.differences["svm", "metadata"]
verdict = "is shown" if gain.excludes_zero else "is not shown"
print(
    f"svm minus metadata: AUROC {gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]; that it is above the control "
    f"{verdict}"
)

# %% [markdown]
# ## Exercises
#
# **11a.** Which of these claims do the committed tables support? Hand in a CSV with `claim, supported` (yes or no).

# %%
pd.set_option("display.max_colwidth", None)
pd.DataFrame({number: {"claim": claim.text} for number, claim in CLAIMS.items()}).T

# %% [markdown]
#     .venv/bin/python -m respbench.practical check 11a claims.csv
#
# **11b.** Write your reflection on `results/icbhi/abnormal/patients-5fold` as a Markdown file. Quote at least two
# values, as `` `svm` AUROC 0.70 [0.60, 0.80] ``, and one difference, as `` `svm` minus `cnn` AUROC +0.10 [+0.01,
# +0.19] ``, with the report's numbers. The sentence of a difference whose interval includes 0 must say "not shown" or
# "undecided", and one whose interval excludes 0 must not.
#
#     .venv/bin/python -m respbench.practical check 11b reflection.md
