# %% [markdown]
# # 9 · Semi-supervised learning
#
# Recording breath is cheap, annotating it is not. Can cycles without labels help? All methods of the practical fit one
# formula:
#
#     L = L_s(labeled) + alpha · L_u(labeled and unlabeled)
#
# L_s is the cross-entropy on labeled cycles. L_u is computed without any label, and alpha is its weight. A method *is*
# its L_u; everything else is the same training loop.

# %%
import inspect
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import respbench
from respbench.benchmarks.statistics.comparisons import twin_pairs
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import evaluate_leading
from respbench.benchmarks.storage.store import Store
from respbench.models.networks.unsupervised import ramp_up
from respbench.models.semi_supervised.autoencoder import Autoencoder
from respbench.models.semi_supervised.pi_model import PiModel
from respbench.models.semi_supervised.pseudo_label import PseudoLabel
from respbench.models.semi_supervised.vat import VirtualAdversarial
from respbench.practical import setting

where = setting.chosen()
print(where)


def show(method):
    """The L_u of a method, as the suite computes it."""
    print(textwrap.dedent(inspect.getsource(method.forward)))


# %% [markdown]
# ## Four terms
#
# **Π-model.** Two passes of a cycle, differently augmented, must have the same probabilities. L_u is their mean
# squared difference.

# %%
show(PiModel)

# %% [markdown]
# **Virtual adversarial training (VAT).** The same idea with the worst small change instead of a random one: find the
# direction in which the prediction changes most, go a small step, and ask for the same prediction.

# %%
show(VirtualAdversarial)

# %% [markdown]
# **Pseudo-labels.** Where the network is confident, its own decision is taken as the label.

# %%
show(PseudoLabel)

# %% [markdown]
# **Autoencoder.** The features that classify a cycle must also reconstruct its image.

# %%
show(Autoencoder)

# %% [markdown]
# ## The weight rises
#
# At first, the network's predictions are worthless, and so is agreement with them. Methods that rely on predictions
# let alpha rise over the training.

# %%
progress = np.linspace(0, 1, 101)
figure, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
ax.plot(100 * progress, [ramp_up(t) for t in progress])
ax.set_xlabel("training finished (%)")
ax.set_ylabel("alpha (share of its final value)")
ax.grid(color="0.92")

# %% [markdown]
# ## Who has labels
#
# `patients-5fold-labels10` leaves 10 % of the training *patients* their labels; all cycles of the others are
# unlabeled.

# %%
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="abnormal")
fold = respbench.folds(clips, "patients-5fold-labels10")[0]
parts = {name: getattr(fold, name) for name in ("train", "valid", "unlabeled", "test")}
pd.DataFrame(
    {name: {"cycles": len(rows), "patients": len(np.unique(clips.patient[rows]))} for name, rows in parts.items()}
).T

# %% [markdown]
# ## What they did here
#
# Each method is compared with its **twin**: the same network, labels, steps and seeds, with no unlabeled cycle. The
# committed results have ten draws of labeled patients, for `cnn`, `cnn-gru` and a perceptron (`mlp`) on handcrafted
# features.

# %%
METHODS = ("pi-model", "vat", "pseudo-label", "autoencoder")
store = Store(setting.results("ten-draws/icbhi/abnormal/patients-5fold-labels10"))
report = load_results(store, evaluate_leading)
labels = report.models[0].predictions[0].label  # of all tested cycles, the same for every model
rows = []
for pair in twin_pairs(report):
    network = pair.model.twin.removeprefix("supervised-")
    method = pair.model.name.removesuffix(f"-{network}")
    if method in METHODS:
        gain, draws = pair.gain("auroc"), pair.gain_by_repeat("auroc")
        rows.append(
            {
                "network": network,
                "method": method,
                "twin's AUROC": pair.reference.value("auroc"),
                "difference": gain.value,
                "low": gain.low,
                "high": gain.high,
                "draws ahead": f"{(draws > 0).sum()} of {len(draws)}",
            }
        )
gains = pd.DataFrame(rows).set_index(["network", "method"]).sort_index()
gains.round(3)

# %%
figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
position = np.arange(len(gains))[::-1]
ax.hlines(position, gains["low"], gains["high"], linewidth=2)
ax.plot(gains["difference"], position, "o")
ax.axvline(0, color="0.4", linestyle="--", linewidth=1)
ax.set_yticks(position, [f"{method} over {network}" for network, method in gains.index])
ax.set_xlabel("AUROC minus that of the twin, with 95 % interval")
ax.grid(axis="x", color="0.92")
shown = ((gains["low"] > 0) | (gains["high"] < 0)).sum()
print(f"{shown} of {len(gains)} intervals exclude 0")

# %% [markdown]
# An interval that includes 0 is no proof that a method does nothing: it may help or harm by as much as the interval is
# long. Some are short for another reason: over `cnn` and `cnn-gru` the weight alpha was chosen on training patients,
# and stayed at the smallest candidate unless a larger one was clearly better. With so small a weight, a method hardly
# differs from its twin ([decision 0019](../decisions/0019-semi-supervised-without-harm.md)).
#
# ## Are pseudo-labels right?
#
# The labels of unlabeled cycles are known to us (never to the model), so we can count. A pseudo-label is given above a
# probability of 0.95. Is it right?

# %%
records = [store.read(key).record for key in store.fits() if key.model == "pseudo-label-mlp"]
curves = pd.concat([pd.DataFrame(list(record.curve)) for record in records])
by_epoch = 100 * curves.groupby("epoch")[["confident", "confident_accuracy"]].mean()
majority = 100 * np.bincount(labels).max() / len(labels)

figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
ax.plot(by_epoch.index, by_epoch["confident"], label="unlabeled cycles above 0.95")
ax.plot(by_epoch.index, by_epoch["confident_accuracy"], "--", label="of these, right")
ax.axhline(majority, color="0.4", linestyle=":", label="right by always answering the larger class")
ax.set_xlabel("epoch")
ax.set_ylabel("cycles (%)")
ax.set_ylim(0, 100)
ax.grid(color="0.92")
ax.legend(frameon=False, fontsize=9)
final = by_epoch.iloc[-1]
print(
    f"at the end {final['confident']:.0f} % are confident, and {final['confident_accuracy']:.0f} % of these are right;"
)
print(f"always answering the larger class is right for {majority:.0f} %")

# %% [markdown]
# Where the two are close, a network that is 95 % sure is right no more often than one that has learned nothing, and
# training on such labels strengthens what it predicts already. With few labeled patients, the clusters that these
# methods look for are patients and stethoscopes, not diseases; [decision
# 0008](../decisions/0008-semi-supervised-learning.md) measures it.
#
# ## Exercises
#
# **9a.** Write a file with `unsupervised_loss(one, two)`: the Π-model's term from the logits (cycles, classes) of two
# passes.
#
#     .venv/bin/python -m respbench.practical check 9a consistency.py
#
# **9b.** Write a file with `pseudo_label_loss(logits, threshold)`: cross-entropy with the decision, for confident
# cycles only, divided by the number of *all* cycles.
#
#     .venv/bin/python -m respbench.practical check 9b pseudo.py
