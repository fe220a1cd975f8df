# %% [markdown]
# # 2 · Labels from names
#
# In the segmented ICBHI database there is no table of labels. The name of a file is the label:
#
# `101_1b1_Al_sc_Meditron_segment_3_1_0.wav` = patient 101, recording 1b1, chest location Al (anterior left), mode sc
# (single channel), stethoscope Meditron, third cycle, crackle yes, wheeze no.

# %%
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import respbench
from respbench.practical import setting

where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="four-class")
names = setting.file_names(clips)  # simulated cycles have no files, but get names of the same form
print(where)
print(*names[:3], sep="\n")

# %% [markdown]
# Parse from the end. The recording's own name may hold anything, so that "the fourth part between underscores" is a
# bug that waits for one odd name.

# %%
NAME = re.compile(r"(?P<recording>.+)_segment_(?P<number>\d+)_(?P<crackle>[01])_(?P<wheeze>[01])\.(wav|flac)")


def parse(name):
    """Recording, patient and annotation of a file name; an error if the name is not of this form."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name} is not named <recording>_segment_<number>_<crackle>_<wheeze>.wav")
    return {
        "recording": match["recording"],
        "patient": match["recording"].partition("_")[0],
        "crackle": match["crackle"] == "1",
        "wheeze": match["wheeze"] == "1",
    }


table = pd.DataFrame([parse(name) for name in names])
table["abnormal"] = table["crackle"] | table["wheeze"]
table.head(3)

# %% [markdown]
# Check what you parsed against something else: here, against what the suite's reader found.

# %%
assert (table["abnormal"] == (clips.label > 0)).all()
assert (table["patient"] == clips.patient).all()
print(f"{len(table)} names parsed, all agree with the reader")

# %% [markdown]
# ## Count
#
# Crackle or wheeze, or both, is *abnormal*. How many cycles has each class, and from how many patients? The second
# number is the one that counts: cycles of one patient resemble each other.

# %%
counts = pd.DataFrame(
    {
        "cycles": np.bincount(clips.label, minlength=4),
        "patients": [len(np.unique(clips.patient[clips.label == c])) for c in range(4)],
    },
    index=pd.Index(clips.classes, name="class"),
)
counts

# %%
by_patient = pd.crosstab(table["patient"], table["abnormal"]).reindex(columns=[False, True], fill_value=0)
by_patient = by_patient.loc[by_patient.sum(axis=1).sort_values(ascending=False).index]
figure, ax = plt.subplots(figsize=(9, 3), layout="constrained")
position = np.arange(len(by_patient))
ax.bar(position, by_patient[False], width=1, label="normal")
ax.bar(position, by_patient[True], width=1, bottom=by_patient[False], label="abnormal")
ax.set_xlabel("patients, by number of cycles")
ax.set_ylabel("cycles")
ax.set_xticks([])
ax.margins(x=0.01)
ax.legend(frameon=False)
share = by_patient.sum(axis=1).iloc[:10].sum() / len(table)
one_class = (by_patient > 0).sum(axis=1).eq(1).mean()
print(f"the ten patients with most cycles have {share:.0%} of them")
print(f"{one_class:.0%} of the patients have cycles of one class only")

# %% [markdown]
# Two things to see. Patients are unequal: a few have a large part of the cycles. And some are of one color: the
# patient determines the label. Page 3 is about what follows.
#
# ## Exercises
#
# **2a.** Write a file with a function `label_of(name)` that returns `normal`, `crackle`, `wheeze` or `both`. It is
# tried on all names here, and on odd ones.
#
#     .venv/bin/python -m respbench.practical check 2a labels.py
#
# **2b.** How many patients have normal *and* abnormal cycles?
#
#     .venv/bin/python -m respbench.practical check 2b PATIENTS
