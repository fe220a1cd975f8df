"""Mean Teacher: the network must agree with the exponential moving average (EMA) of its own weights.

Tarvainen & Valpola 2017, Mean teachers are better role models, arXiv:1703.01780. The EMA is part of the loop
(`models.networks.training.EMA`): every method and its supervised baseline predict with it.
"""

from respbench.models.networks.network import NetworkModel
from respbench.models.networks.unsupervised import Step, Term, UnsupervisedLoss
from respbench.models.semi_supervised.builder import build_ssl_model, space

__all__ = ["build", "space"]


class MeanTeacher(UnsupervisedLoss):
    """Mean squared difference between the network's class probabilities and the teacher's."""

    def forward(self, step: Step) -> Term:
        """The teacher, without dropout, has the weak view; the network has the strong one."""
        teacher = step.predict(step.weak(step.images), step.ema)
        student = step.logits(step.strong(step.images)).softmax(1)
        return Term((student - teacher).square().mean(), teacher)


def build(
    *,
    seed: int,
    backbone: str = "cnn",
    alpha: float = 1.0,
    ramp: float = 1.0,
    ratio: int = 2,
    epochs: int = 15,
    steps: int = 20,
) -> NetworkModel:
    """See `build_ssl_model`."""
    return build_ssl_model(backbone, MeanTeacher(), seed, alpha, ramp, ratio, epochs, steps)
