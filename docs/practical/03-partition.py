# %% [markdown]
# # 3 · Partition by patient, and what happens if not
#
# The question is how well a model does on *the next patient*. So no patient may be in training and test. A random
# split of cycles puts nearly everybody on both sides.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import respbench
from respbench.practical import setting

where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="abnormal")
print(where)

rows = []
for protocol in ("random-5fold", "patients-5fold"):
    fold = respbench.folds(clips, protocol)[0]
    trained = set(clips.patient[fold.train])
    tested = set(clips.patient[fold.test])
    rows.append(
        {
            "protocol": protocol,
            "training cycles": len(fold.train),
            "validation cycles": len(fold.valid),
            "test cycles": len(fold.test),
            "test patients": len(tested),
            "of these also trained on": len(tested & trained),
        }
    )
pd.DataFrame(rows).set_index("protocol")

# %% [markdown]
# A `Fold` is four arrays of row numbers: `train`, `valid`, `test`, `unlabeled`. `patients-5fold` is stratified group
# k-fold: five parts, each patient in one of them, classes spread as evenly as whole patients permit. Validation
# patients are cut from the training patients in the same way, since the epoch is chosen on them.
#
# ## The same model, both ways
#
# A support vector machine on MFCC statistics, five folds, the same cycles. Only the partition differs.

# %%
random = respbench.cross_validate("svm", clips, "random-5fold", progress=False)
patients = respbench.cross_validate("svm", clips, "patients-5fold", progress=False)
numbers = pd.DataFrame(
    {
        name: evaluation.metrics().loc[["score", "auroc"], "value"]
        for name, evaluation in (("patients mixed (LEAKY)", random), ("new patients", patients))
    }
)
numbers.round(3)

# %%
flattery = numbers["patients mixed (LEAKY)"] - numbers["new patients"]
print(f"mixing patients adds {flattery['auroc']:+.3f} to the AUROC and {flattery['score']:+.3f} to the score")
print(random.warning)

# %%
figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
respbench.figures.roc(patients, ax=ax)
respbench.figures.roc(random, ax=ax)
lines = [line for line in ax.lines if line.get_label() != "chance"]
for line, name, color in zip(lines, ("new patients", "patients mixed (LEAKY)"), ("C0", "C3"), strict=True):
    line.set(label=f"{name}, AUROC {numbers.loc['auroc', name]:.2f}", color=color)
ax.legend(handles=[ax.lines[0], *lines], frameon=False, loc="lower right")
ax.lines[2].set_visible(False)  # chance, a second time

# %% [markdown]
# Nothing about the model has changed. In the leaky split it recognizes patients, and a patient's cycles mostly share a
# label (page 2). For a new patient, that is worth nothing. *Score* is the mean of sensitivity and specificity; *AUROC*
# is the probability that an abnormal cycle is ranked above a normal one.
#
# The same holds for every choice that you make: the epoch (page 6), the parameters, the features. If test patients
# decided it, the number is no longer one for new patients.
#
# ## Exercises
#
# **3a.** Write your own partition: a CSV with the columns `clip_id, part` (`respbench.table(clips)` has the ids), where
# part is `train`, `valid` or `test`. No patient in two parts, every class in each, a test part of 10 to 35 %.
#
#     .venv/bin/python -m respbench.practical check 3a parts.csv
#
# **3b.** Write five folds: a CSV with `patient, fold`. The share of abnormal cycles in each fold must be as close to
# that of all cycles as in the best quarter of random assignments.
#
#     .venv/bin/python -m respbench.practical check 3b folds.csv
