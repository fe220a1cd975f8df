# %% [markdown]
# # 4 · Features
#
# Classical models take a row of numbers per cycle. The suite's handcrafted vector measures descriptors in every frame,
# such as mel-frequency cepstral coefficients (MFCC: the shape of the spectrum), spectral centroid (Hz) and
# zero-crossing rate, and summarizes each over the frames by mean, standard deviation, median and interquartile range.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import respbench
from respbench.features.cache import cached
from respbench.features.handcrafted import Handcrafted
from respbench.practical import setting

where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="abnormal")
fold = respbench.folds(clips, "patients-5fold")[0]
print(where)

extractor = Handcrafted()
x = cached(extractor, clips)  # computed once per corpus and setting, then read from disk
names = np.array(extractor.columns)
print(f"x: {x.shape} = (cycles, columns); for example {', '.join(names[[0, 240, 287]])}")

# %% [markdown]
# ## Which columns differ between the classes?
#
# An AUROC of one column: how often an abnormal cycle has the larger value. Look at *training* patients only; a column
# that was picked on test patients has seen them.

# %%
y = clips.label
single = np.array([roc_auc_score(y[fold.train], column) for column in x[fold.train].T])
order = np.argsort(-np.abs(single - 0.5))
on_test = [roc_auc_score(y[fold.test], x[fold.test, c]) for c in order[:5]]
pd.DataFrame({"training patients": single[order[:5]], "test patients": on_test}, index=names[order[:5]]).round(2)

# %% [markdown]
# Expect columns to look better where they were picked than on new patients. This is the smallest example of selection:
# the more you try, the more the winner flatters itself.

# %%
best = order[0]
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
edges = np.linspace(*np.percentile(x[:, best], [1, 99]), 31)
for label, name in enumerate(clips.classes):
    values = x[fold.train, best][y[fold.train] == label]
    counts, _ = np.histogram(values, edges)
    ax.stairs(100 * counts / len(values), edges, label=name, linewidth=1.8)
UNITS = {"mfcc": "dB", "spectral": "Hz", "zero": "crossings per sample", "rms": "full scale = 1"}
unit = "dimensionless" if "flatness" in names[best] else UNITS[names[best].split("_")[0]]
unit = "dB" if "contrast" in names[best] else unit
ax.set_xlabel(f"{names[best]} ({unit})")
ax.set_ylabel("cycles of the class (%)")
ax.legend(frameon=False)
ax.set_axisbelow(True)
ax.grid(color="0.92")

# %% [markdown]
# ## Scale on the training part alone
#
# Columns have different units, so they are standardized. The mean and the standard deviation come from the training
# cycles; a pipeline makes sure of it.

# %%
model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced"))
model.fit(x[fold.train], y[fold.train])
own = roc_auc_score(y[fold.train], model.predict_proba(x[fold.train])[:, 1])
new = roc_auc_score(y[fold.test], model.predict_proba(x[fold.test])[:, 1])
print(f"logistic regression on {x.shape[1]} columns: AUROC {own:.2f} on its training patients, {new:.2f} on new ones")

# %% [markdown]
# One fold is an example, not a result: five folds and an interval come on page 7.
#
# ## Exercises
#
# **4a.** Compute the level of each cycle in dB of full scale, 10 log10 of the mean square of its samples, and hand in
# a CSV with `clip_id, level_db`.
#
#     .venv/bin/python -m respbench.practical check 4a levels.csv
#
# **4b.** Which mean would a `StandardScaler` use for the column `mfcc_00_mean` in this fold? (`fold.train`, two
# decimals)
#
#     .venv/bin/python -m respbench.practical check 4b MEAN
