"""`Protocol`: how a corpus is divided, and whether numbers from it hold for new patients."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from respbench.corpora.clips import Clips
from respbench.corpora.splits.folds import Splitter

ABLATION = "-ablation"
"""End of the name of a protocol for variants of models."""

NOT_DISJOINT = "NOT PATIENT-DISJOINT"
"""The word that accompanies numbers of a corpus that has patients on both sides of a published split."""

MAX_NAMED = 5
"""More patients on both sides than these are counted instead of named."""


class Kind(StrEnum):
    """What a corpus is divided by."""

    PATIENTS = "patients"
    ONE_PATIENT = "one-patient"
    DEVICES = "devices"
    RANDOM = "random"
    OFFICIAL = "official"
    STATED = "stated"
    CROSS_CORPUS = "cross-corpus"
    CROSS_CORPUS_ADAPTED = "cross-corpus-adapted"
    MULTI_CORPUS = "multi-corpus"


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to divide a corpus.

    Attributes:
        name: as in the path of the results.
        kind: what the corpus is divided by.
        splitter: yields the folds.
        explanation: one sentence for the report.
        warning: what is wrong with its numbers on every corpus; empty if nothing is. See `warning_about`.
        labeled_percent: % of the training patients that keep their labels; None = a protocol without label budget.
        trained_on: name of the corpus that models are trained on in place of the tested one; empty = they are trained
            on the tested one.
        also_trained_on: name of the corpus that models are trained on beside the tested one; empty = none.
        ablation_of: for variants of models, the protocol with the same folds for whole models; None = this is one.
    """

    name: str
    kind: Kind
    splitter: Splitter
    explanation: str
    warning: str = ""
    labeled_percent: int | None = None
    trained_on: str = ""
    also_trained_on: str = ""
    ablation_of: "Protocol | None" = None

    @property
    def folds(self) -> int | None:
        """Number of folds of each repeat; None if the corpus decides it: one per device, or one per patient."""
        return getattr(self.splitter, "folds", 1)

    @property
    def divided_by(self) -> str:
        """Column of the clips' table of which each value has a fold of its own; empty if `folds` is a number."""
        return str(getattr(self.splitter, "divided_by", ""))

    def count_folds(self, values: Collection[str]) -> int:
        """Count the folds of each repeat on a corpus.

        Args:
            values: of its clips in the column `divided_by`; only needed where the corpus decides.
        """
        return len(set(values)) if self.folds is None else self.folds

    @property
    def reshuffles_tests(self) -> bool:
        """Whether each repeat tests other groups of patients together; else only validation patients change."""
        return self.kind in {Kind.PATIENTS, Kind.RANDOM, Kind.CROSS_CORPUS_ADAPTED, Kind.MULTI_CORPUS}

    @property
    def patient_disjoint(self) -> bool | None:
        """Whether no tested patient is trained on; None if the corpus decides it."""
        return {Kind.RANDOM: False, Kind.OFFICIAL: None}.get(self.kind, True)

    def warning_about(self, shared: Sequence[str]) -> str:
        """State what is wrong with its numbers on a corpus; empty if nothing is.

        Args:
            shared: the patients who are trained on and tested, sorted.
        """
        if self.warning or not shared:
            return self.warning
        *others, last = shared
        named = f"patient {last} is" if not others else f"patients {', '.join(others)} and {last} are"
        who = named if len(shared) <= MAX_NAMED else f"{len(shared)} patients are"
        return f"{NOT_DISJOINT}: {who} trained on and tested, so that these numbers are not about new patients alone."

    def remark(self, clips: Clips) -> str:
        """State what else a user has to know of its folds of a corpus before anything is fitted; empty if nothing."""
        remark_of = getattr(self.splitter, "remark", None)
        return "" if remark_of is None else str(remark_of(clips))

    @property
    def few_labels(self) -> bool:
        """Whether some training patients may lose their labels, so that semi-supervised models are of interest."""
        return self.labeled_percent is not None

    @property
    def adapted(self) -> bool:
        """Whether models get unlabeled clips of the tested corpus' other patients, but no labels from there."""
        return self.kind is Kind.CROSS_CORPUS_ADAPTED

    @property
    def other_corpus(self) -> str:
        """Name of the corpus that is trained on beside the tested one or in its place; empty if there is none."""
        return self.trained_on or self.also_trained_on

    @property
    def in_pairs(self) -> bool:
        """Whether models are compared with one that differs in one respect, so that all have equally many repeats."""
        return self.few_labels or self.adapted or self.ablation_of is not None

    @property
    def without_budget(self) -> str:
        """Name of the protocol with the same folds in which every training patient keeps their labels."""
        return self.name if self.labeled_percent is None else f"{Kind.PATIENTS}-{self.folds}fold"

    @property
    def counterpart(self) -> str:
        """Name of the protocol with as many folds that keeps patients apart if this one mixes them, or the reverse.

        Empty if there is none: the difference between the two measures how much testing on known patients flatters.
        """
        if self.ablation_of is not None or self.few_labels or self.kind not in (Kind.PATIENTS, Kind.RANDOM):
            return ""
        return f"{Kind.RANDOM if self.kind is Kind.PATIENTS else Kind.PATIENTS}-{self.folds}fold"

    def for_ablation(self) -> "Protocol":
        """Return the same folds for variants of models; results go to ``<protocol>-ablation``."""
        explanation = f"{self.explanation}. Variants of models on the folds of `{self.name}`, not a benchmark of models"
        return replace(self, name=self.name + ABLATION, explanation=explanation, ablation_of=self)
