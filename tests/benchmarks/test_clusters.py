"""Where the classes are clusters, unlabeled clips help, and where everything is labeled already they do no harm."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from respbench.corpora.clips import Clips
from respbench.models.networks.mlp import MLP
from respbench.models.registry import REGISTRY

COLUMNS = 20
METHODS = [
    name for name, spec in REGISTRY.items() if spec.supervised_baseline == "supervised-mlp" and "planted" not in name
]


@dataclass(frozen=True)
class Samples:
    """The samples of a clip are its columns."""

    def __call__(self, signals, rate):
        return np.stack([signal[0] for signal in signals])[:, None, :, None]


def clusters(rng, clips):
    """Two clouds, three deviations apart along an unknown direction."""
    direction = np.ones(COLUMNS) / COLUMNS**0.5
    label = np.arange(clips) % 2
    values = rng.standard_normal((clips, COLUMNS)) + 3 * (label[:, None] - 0.5) * direction
    names = np.arange(clips).astype(np.str_)
    signals = [row[None].astype(np.float32) for row in values]
    return Clips(
        signals=signals,
        rate=4000,
        label=label,
        patient=names,
        clip_id=names,
        classes=("normal", "abnormal"),
        meta=pd.DataFrame(index=range(clips)),
    )


def auroc(name, draw, labeled):
    rng = np.random.default_rng(draw)
    train, valid, unlabeled, test = (clusters(rng, clips) for clips in (labeled, 4, 300, 400))
    spec = REGISTRY[name]
    model = spec.build(draw, {"epochs": 8, "steps": 12})
    model.images = Samples()
    model.architecture = lambda size, outputs: MLP((COLUMNS // 2,) * 2, outputs, 32, 4.0, 0.1, 0.2)
    model.fit(train, valid, unlabeled.hide_labels() if spec.unlabeled else None)
    return roc_auc_score(test.label, model.predict_proba(test.hide_labels())[:, 1])


def gains(names, draws, labeled):
    """Each method minus the twin, draw by draw."""
    twin = np.array([auroc("supervised-mlp", draw, labeled) for draw in range(draws)])
    return {name: np.array([auroc(name, draw, labeled) for draw in range(draws)]) - twin for name in names}


def test_no_method_does_harm_where_all_is_labeled():
    for name, gain in gains(METHODS, draws=2, labeled=200).items():
        assert gain.mean() > -0.01, name


def test_with_few_labels_a_method_gains_beyond_noise():
    gain = gains(("pi-model-mlp",), draws=8, labeled=6)["pi-model-mlp"]
    assert gain.mean() - 2.4 * gain.std(ddof=1) / len(gain) ** 0.5 > 0  # t of 7 degrees of freedom
