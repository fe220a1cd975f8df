# %% [markdown]
# # 6 · A two-layer CNN of your own, and the epoch that is kept
#
# A convolution slides small filters over the image and so finds a pattern wherever it is; pooling halves the image;
# dense layers decide. You write the network; the suite trains it with the loop that trains all others, on the same
# folds.
#
# The file [two_layers.py](two_layers.py) holds the network and a function `build`:

# %%
import matplotlib.pyplot as plt
import pandas as pd

import respbench
from respbench.practical import setting

MODEL = setting.PAGES / "two_layers.py"
print(MODEL.read_text(encoding="utf-8"))

# %% [markdown]
# A file like this enters the benchmark through the registry: from the command line with `make benchmark
# MODEL=docs/practical/two_layers.py` (it then has a row in the leaderboard), from Python as below. It is called by its
# file name, `two-layers`.

# %%
where = setting.chosen()
clips = respbench.clips_of(respbench.open_corpus(**where.corpus), task="abnormal")
fold = respbench.folds(clips, "patients-5fold")[0]
epochs = where.epochs(16)
print(where)
model = respbench.fit(MODEL, clips, fold, seed=0, epochs=epochs)
print(f"{model.name}: {model.n_parameters} weights, {model.fit_seconds:.0f} s for {len(model.curve)} epochs")

# %% [markdown]
# ## Where the weights are
#
# Nearly all are in the first dense layer, which reads every pixel of the maps.

# %%
rows = [
    {"layer": f"{type(layer).__name__}", "weights": sum(w.numel() for w in layer.parameters())}
    for layer in model.model.network.modules()
    if not list(layer.children()) and list(layer.parameters())
]
pd.DataFrame(rows)

# %% [markdown]
# ## Training and validation curves
#
# In each epoch the network sees every training cycle once. Training loss falls as long as you wait: the network
# memorizes its training cycles. What it learns in this way does not help with other patients: their loss rises sooner
# or later, while the network becomes ever more certain of its errors.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
respbench.figures.learning_curves(model, ax=left)
curve = model.curve
right.plot(curve["epoch"], 100 * curve["train_accuracy"], label="training: accuracy")
right.plot(curve["epoch"], 100 * curve["valid_score"], "--", label="validation: balanced accuracy")
kept = curve[curve["kept"] == 1].iloc[0]
right.axvline(kept["epoch"], color="0.4", linestyle=":", label="epoch kept")
right.axhline(50, color="0.7", linewidth=1)
right.set_xlabel("epoch")
right.set_ylabel("correct (%)")
right.locator_params(axis="x", integer=True)
right.legend(frameon=False)
right.grid(color="0.92")

# %%
last = curve.iloc[-1]
print(f"epoch {kept['epoch']:.0f} is kept: validation score {kept['valid_score']:.2f}, the highest of {len(curve)}")
print(
    f"last epoch: {last['train_accuracy']:.0%} of the training cycles right, validation score {last['valid_score']:.2f}"
)

# %% [markdown]
# ## Best epoch kept, and honestly
#
# The kept epoch is the best *of those tried on few validation patients*, so that its validation score is too high by
# selection. Only the test patients, who decided nothing, give a number to report.

# %%
metrics = respbench.evaluate(model, clips, fold).metrics()
print(f"validation patients, who chose the epoch: score {kept['valid_score']:.2f}")
print(f"test patients of this fold, who chose nothing: score {metrics.loc['score', 'value']:.2f}")

# %% [markdown]
# In one fold, the second number may happen to be the higher one: a fold has few patients.
#
# ## Exercises
#
# **6a.** How many weights does the network have, with images of 1 x 128 x 64 and two classes? Add them up by hand:
# (inputs x kernel + 1) x outputs per layer.
#
#     .venv/bin/python -m respbench.practical check 6a WEIGHTS
#
# **6b.** Copy `two_layers.py` to a file of your own, and put an `nn.BatchNorm2d` behind each convolution. The check
# fits it twice on simulated cycles.
#
#     .venv/bin/python -m respbench.practical check 6b my_network.py
