"""Every exercise of the practical: a right answer passes, and typical wrong ones are told apart."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from respbench.corpora.problems import InputError
from respbench.practical import exercises_clips, exercises_results
from respbench.practical.__main__ import main
from respbench.practical.check import EXERCISES, check
from respbench.practical.exercises_results import CLAIMS, REPORT, loaded
from respbench.practical.setting import PAGES, QUICK_VARIABLE, Setting, sounds

QUICK = Setting(quick=True)


@dataclass
class HandIn:
    """Writes answers to files and has them checked."""

    folder: Path

    def numbers(self, exercise: str, *answer: float) -> str:
        right, line = check(exercise, [str(number) for number in answer], QUICK)
        return "pass" if right else line

    def text(self, exercise: str, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        right, line = check(exercise, [str(path)], QUICK)
        return "pass" if right else line

    def table(self, exercise: str, table: pd.DataFrame) -> str:
        return self.text(exercise, "answer.csv", table.to_csv(index=False))

    def code(self, exercise: str, content: str) -> str:
        """Each file has a name of its own: modules are cached by their names."""
        number = len(list(self.folder.glob("*.py")))
        return self.text(exercise, f"answer_{exercise}_{number}.py", content)


@pytest.fixture
def hand_in(tmp_path: Path) -> HandIn:
    return HandIn(tmp_path)


def test_1a_the_longest_cycle(hand_in: HandIn) -> None:
    longest = sounds(QUICK).seconds.max()
    assert hand_in.numbers("1a", round(longest, 2)) == "pass"
    assert "number of samples" in hand_in.numbers("1a", longest * 4000)
    assert "milliseconds" in hand_in.numbers("1a", longest * 1000)
    assert "not last" in hand_in.numbers("1a", longest + 0.02)


def test_1b_the_shortest_frame(hand_in: HandIn) -> None:
    assert hand_in.numbers("1b", 512) == "pass"
    assert "15.6 Hz apart" in hand_in.numbers("1b", 256)
    assert "half as many" in hand_in.numbers("1b", 1024)
    assert "no power of two" in hand_in.numbers("1b", 400)
    assert "no power of two" in hand_in.numbers("1b", 0)


LABELS = """
def label_of(name):
    parts = name.rsplit(".", 1)[0].split("_")
    return {("0", "0"): "normal", ("1", "0"): "crackle", ("0", "1"): "wheeze", ("1", "1"): "both"}[{which}]
"""


def test_2a_labels_from_names(hand_in: HandIn) -> None:
    assert hand_in.code("2a", LABELS.replace("{which}", "tuple(parts[-2:])")) == "pass"
    exchanged = hand_in.code("2a", LABELS.replace("{which}", "tuple(parts[:-3:-1])"))
    assert "must be" in exchanged
    assert "raised KeyError" in hand_in.code("2a", LABELS.replace("{which}", "tuple(parts[:2])"))
    with pytest.raises(InputError, match="no function label_of"):
        hand_in.code("2a", "x = 1\n")
    with pytest.raises(InputError, match=r"can't be imported \(SyntaxError"):
        hand_in.code("2a", "def label_of(name) return 1\n")


def test_2b_patients_with_both(hand_in: HandIn) -> None:
    clips = sounds(QUICK)
    patients = np.unique(clips.patient)
    both = sum(len(set(clips.label[clips.patient == patient])) == 2 for patient in patients)
    assert hand_in.numbers("2b", both) == "pass"
    assert "all patients" in hand_in.numbers("2b", len(patients))
    assert "one class only" in hand_in.numbers("2b", len(patients) - both)
    assert "not 0 patients" in hand_in.numbers("2b", 0)


def parts() -> pd.DataFrame:
    clips, fold = sounds(QUICK), exercises_clips.fold_of(QUICK)
    part = np.full(len(clips), "train", dtype=object)
    part[fold.valid], part[fold.test] = "valid", "test"
    return pd.DataFrame({"clip_id": clips.clip_id, "part": part})


def test_3a_a_partition_by_patient(hand_in: HandIn) -> None:
    right = parts()
    assert hand_in.table("3a", right) == "pass"
    torn = right.copy()
    torn.loc[torn.index[torn["part"] == "test"][0], "part"] = "train"
    assert "1 patients are in several parts" in hand_in.table("3a", torn)
    random = right.assign(part=np.random.default_rng(0).permutation(right["part"].to_numpy()))
    assert "in several parts, such as" in hand_in.table("3a", random)
    assert "are absent" in hand_in.table("3a", right.iloc[1:])
    assert "occurs twice" in hand_in.table("3a", pd.concat([right, right.iloc[:1]]))
    assert "is no clip" in hand_in.table("3a", pd.concat([right, right.iloc[:1].assign(clip_id="x")]))
    assert "'dev' is no part" in hand_in.table("3a", right.replace("valid", "dev"))
    assert "train holds " in hand_in.table("3a", right.replace("test", "train"))
    with pytest.raises(InputError, match="lacks the column part"):
        hand_in.table("3a", right[["clip_id"]])


def test_3b_balanced_folds(hand_in: HandIn) -> None:
    clips = sounds(QUICK)
    share = pd.Series(clips.label > 0).groupby(clips.patient).mean().sort_values()
    snake = np.array([0, 1, 2, 3, 4, 4, 3, 2, 1, 0] * 3)[: len(share)]
    table = pd.DataFrame({"patient": share.index, "fold": snake})
    assert hand_in.table("3b", table) == "pass"
    assert "points off" in hand_in.table("3b", table.assign(fold=np.sort(snake)))
    assert "make five" in hand_in.table("3b", table.assign(fold=snake % 4))
    assert "has no fold" in hand_in.table("3b", table.iloc[1:])
    assert "occurs twice" in hand_in.table("3b", pd.concat([table, table.iloc[:1]]))


def test_4a_levels(hand_in: HandIn) -> None:
    clips = sounds(QUICK)
    power = np.array([np.mean(signal.astype(np.float64) ** 2) for signal in clips])

    def answer(level: np.ndarray) -> str:
        return hand_in.table("4a", pd.DataFrame({"clip_id": clips.clip_id, "level_db": level}))

    assert answer(10 * np.log10(power)) == "pass"
    assert "not its level" in answer(np.sqrt(power))
    assert "half of the level" in answer(5 * np.log10(power))
    assert "dB off" in answer(20 * np.log10([np.abs(signal).max() for signal in clips]))
    assert "which is no number" in hand_in.table("4a", pd.DataFrame({"clip_id": clips.clip_id, "level_db": "loud"}))


def test_4b_the_training_mean(hand_in: HandIn) -> None:
    from respbench.features.handcrafted import Handcrafted

    clips, fold = sounds(QUICK), exercises_clips.fold_of(QUICK)
    column = Handcrafted()(clips.signals, clips.rate)[:, 0].astype(np.float64)
    assert hand_in.numbers("4b", round(column[fold.train].mean(), 2)) == "pass"
    assert "the tested ones included" in hand_in.numbers("4b", round(column.mean(), 2))
    assert "over the tested clips" in hand_in.numbers("4b", round(column[fold.test].mean(), 2))
    assert "is not the mean" in hand_in.numbers("4b", 0)


COLLATE = """
import torch
def collate(batch):
    signals = torch.nn.utils.rnn.pad_sequence([s for s, _ in batch], batch_first={first}, padding_value={fill})
    return signals, torch.tensor([len(s) for s, _ in batch]), torch.tensor([l for _, l in batch])
"""


def test_5a_collate(hand_in: HandIn) -> None:
    assert hand_in.code("5a", COLLATE.replace("{first}", "True").replace("{fill}", "0.0")) == "pass"
    assert "gave shape" in hand_in.code("5a", COLLATE.replace("{first}", "False").replace("{fill}", "0.0"))
    assert "is not zero" in hand_in.code("5a", COLLATE.replace("{first}", "True").replace("{fill}", "1.0"))
    assert "tuple of three" in hand_in.code("5a", "def collate(batch):\n    return batch\n")


def test_5b_sample_weights(hand_in: HandIn) -> None:
    code = "import numpy as np\ndef sample_weights(label):\n    return {}\n"
    assert hand_in.code("5b", code.format("1 / np.bincount(label)[label]")) == "pass"
    assert "would be drawn with shares" in hand_in.code("5b", code.format("np.ones(len(label))"))
    assert "one weight per clip" in hand_in.code("5b", code.format("1 / np.bincount(label)"))
    assert "above 0" in hand_in.code("5b", code.format("np.zeros(len(label))"))


def test_6a_weights(hand_in: HandIn) -> None:
    layers = [(9, 16), (16 * 9, 32), (32 * 32 * 16, 128), (128, 2)]
    right = sum((inputs + 1) * outputs for inputs, outputs in layers)
    assert hand_in.numbers("6a", right) == "pass"
    assert "biases are missing" in hand_in.numbers("6a", right - 16 - 32 - 128 - 2)
    assert "the first convolution has 160" in hand_in.numbers("6a", 1000)


def test_6b_batch_normalization(hand_in: HandIn) -> None:
    text = (PAGES / "two_layers.py").read_text(encoding="utf-8")
    assert "2 convolutions and 0 batch normalizations" in hand_in.code("6b", text)
    normalized = text
    for width in (16, 32):
        line = next(line for line in text.splitlines() if f", {width}, kernel_size=3" in line)
        normalized = normalized.replace(line, f"{line}\n            nn.BatchNorm2d({width}),")
    assert hand_in.code("6b", normalized) == "pass"
    assert "the same seed" in hand_in.code("6b", normalized.replace("recipe, seed)", "recipe, id(recipe) % 999983)"))
    assert "raised" in hand_in.code("6b", normalized.replace("nn.Linear(128, outputs)", "nn.Linear(127, outputs)"))


def test_7a_sensitivity_and_specificity(hand_in: HandIn) -> None:
    found = exercises_results.predictions()
    called = found.probabilities[:, 1] > 0.5
    sensitivity = round(float(called[found.label == 1].mean()), 3)
    specificity = round(float((~called)[found.label == 0].mean()), 3)
    assert hand_in.numbers("7a", sensitivity, specificity) == "pass"
    assert "exchanged" in hand_in.numbers("7a", specificity, sensitivity)
    assert "precision" in hand_in.numbers("7a", round(float(found.label[called].mean()), 3), specificity)
    assert "wrong, to three decimals: specificity" in hand_in.numbers("7a", sensitivity, specificity + 0.01)
    with pytest.raises(InputError, match="takes 2 numbers"):
        hand_in.numbers("7a", sensitivity)


def test_7b_an_interval_over_patients(hand_in: HandIn) -> None:
    found = exercises_results.predictions()
    right = (found.decision == found.label).astype(float)

    def drawn(owner: np.ndarray) -> tuple[float, float]:
        """With other random numbers, and resampling instead of counting."""
        rng, groups = np.random.default_rng(99), [right[owner == o] for o in np.unique(owner)]
        sums, sizes = np.array([group.sum() for group in groups]), np.array([len(group) for group in groups])
        picks = rng.integers(len(groups), size=(3000, len(groups)))
        low, high = np.percentile(sums[picks].sum(1) / sizes[picks].sum(1), [2.5, 97.5])
        return round(float(low), 3), round(float(high), 3)

    assert hand_in.numbers("7b", *drawn(found.patient)) == "pass"
    rng = np.random.default_rng(98)
    by_clip = np.percentile(rng.binomial(len(right), right.mean(), 3000) / len(right), [2.5, 97.5])
    assert "draws clips" in hand_in.numbers("7b", *by_clip.tolist())
    assert "is not that interval" in hand_in.numbers("7b", 0.2, 0.9)


def test_8a_the_shape_of_the_sequence(hand_in: HandIn) -> None:
    assert hand_in.numbers("8a", 8, 40, 512) == "pass"
    assert "exchanged" in hand_in.numbers("8a", 8, 512, 40)
    assert "a step is one frame" in hand_in.numbers("8a", 8, 16, 1280)
    assert "the maps are" in hand_in.numbers("8a", 8, 160, 512)


def test_8b_the_reshape(hand_in: HandIn) -> None:
    code = "def to_sequence(maps):\n    b, c, h, w = maps.shape\n    return {}\n"
    assert hand_in.code("8b", code.format("maps.flatten(1, 2).transpose(1, 2)")) == "pass"
    assert hand_in.code("8b", code.format("maps.permute(0, 3, 2, 1).reshape(b, w, c * h)")) == "pass"
    assert "reshape alone mixes" in hand_in.code("8b", code.format("maps.reshape(b, w, c * h)"))
    assert "gave shape" in hand_in.code("8b", code.format("maps.flatten(1, 2)"))


def test_9a_consistency(hand_in: HandIn) -> None:
    code = "def unsupervised_loss(one, two):\n    p, q = {}\n    return {}\n"
    softmax = "one.softmax(1), two.softmax(1)"
    assert hand_in.code("9a", code.format(softmax, "(p - q).square().mean()")) == "pass"
    assert "logits" in hand_in.code("9a", code.format("one, two", "(p - q).square().mean()"))
    assert "the sum" in hand_in.code("9a", code.format(softmax, "(p - q).square().sum()"))
    assert "over clips of the sum" in hand_in.code("9a", code.format(softmax, "(p - q).square().sum(1).mean()"))
    assert "is right" in hand_in.code("9a", code.format(softmax, "(p - q).abs().mean()"))


PSEUDO = """
import torch
def pseudo_label_loss(logits, threshold):
    confidence, decision = logits.softmax(1).max(1)
    each = torch.nn.functional.cross_entropy(logits, decision, reduction="none")
    return {loss}
"""


def test_9b_pseudo_labels(hand_in: HandIn) -> None:
    assert hand_in.code("9b", PSEUDO.replace("{loss}", "(each * (confidence >= threshold)).mean()")) == "pass"
    assert "number of all clips" in hand_in.code("9b", PSEUDO.replace("{loss}", "each[confidence >= threshold].mean()"))
    assert "the doubtful included" in hand_in.code("9b", PSEUDO.replace("{loss}", "each.mean()"))
    careless = "(each[confidence >= threshold].sum() / len(each)) / (confidence >= threshold).any()"
    assert "must be 0" in hand_in.code("9b", PSEUDO.replace("{loss}", careless))


def test_10a_windows(hand_in: HandIn) -> None:
    assert hand_in.numbers("10a", 7) == "pass"
    assert "one more window" in hand_in.numbers("10a", 6)
    assert "it is not 3" in hand_in.numbers("10a", 3)


def test_10b_magnitude(hand_in: HandIn) -> None:
    code = "import numpy as np\ndef magnitude(series):\n    return {}\n"
    assert hand_in.code("10b", code.format("np.sqrt((series ** 2).sum(axis=0))")) == "pass"
    assert "turned sensor" in hand_in.code("10b", code.format("np.abs(series).sum(axis=0)"))
    assert "gave shape" in hand_in.code("10b", code.format("np.sqrt((series ** 2).sum(axis=1))"))


def test_11a_claims(hand_in: HandIn) -> None:
    truth = {number: claim.evidence()[0] for number, claim in CLAIMS.items()}
    assert set(truth.values()) == {True, False}
    words = {True: "yes", False: "no"}
    right = pd.DataFrame({"claim": list(truth), "supported": [words[value] for value in truth.values()]})
    assert hand_in.table("11a", right) == "pass"
    for row, (number, value) in enumerate(truth.items()):
        wrong = right.copy()
        wrong.loc[row, "supported"] = words[not value]
        assert f"claim {number} is {'' if value else 'not '}supported: " in hand_in.table("11a", wrong)
    assert "is absent" in hand_in.table("11a", right.iloc[1:])
    assert "answer yes or no" in hand_in.table("11a", right.replace("yes", "perhaps"))


def quoted(name: str, other: str = "") -> str:
    model = loaded(REPORT).find(name)
    assert model is not None
    if not other:
        one = model.estimate("auroc")
        assert one is not None
        return f"`{name}` AUROC {one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"
    reference = loaded(REPORT).find(other)
    assert reference is not None
    gain = model.minus(reference, "auroc")
    return f"`{name}` minus `{other}` AUROC {gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"


def test_11b_the_reflection(hand_in: HandIn) -> None:
    def write(*sentences: str) -> str:
        return hand_in.text("11b", "reflection.md", " ".join(sentences))

    values = f"On 84 patients, {quoted('svm')} and {quoted('cnn')}."
    shown = f"{quoted('svm-adventitious', 'svm')}, so that the first ranks new patients better."
    open_ = f"That the GRU helps is not shown: {quoted('cnn-gru', 'cnn')}."
    assert write(values, shown, open_) == "pass"
    assert "it quotes 2 values and 0 differences" in write(values)
    assert "the report has" in write(values.replace("`svm` AUROC 0", "`svm` AUROC 1"), shown)
    assert "must say that the difference is not shown" in write(values, f"The GRU helps: {quoted('cnn-gru', 'cnn')}.")
    assert "excludes 0" in write(values, f"It is not shown: {quoted('svm-adventitious', 'svm')}.")
    assert "no complete model" in write(values.replace("`cnn`", "`cnm`"), shown)


def test_every_exercise_is_tested_both_ways() -> None:
    tested = {name.split("_")[1] for name in globals() if name.startswith("test_")}
    assert EXERCISES.keys() <= tested


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv(QUICK_VARIABLE, "1")

    def command(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        return status, *capsys.readouterr()

    return command


def test_the_command_prints_pass_or_what_is_wrong(run: Run) -> None:
    assert run("check", "10a", "7")[:2] == (0, "10a: pass (they begin at sample 0, 32, 64, 96, 128, 160, 170)\n")
    status, out, _ = run("check", "10a", "6")
    assert (status, out.startswith("10a: not yet: one more window")) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("12a", "1"), "no exercise '12a'"),
        (("1a",), "takes an answer: SECONDS"),
        (("1a", "long"), "'long' is not duration in s"),
        (("3a", "nowhere.csv"), "nowhere.csv does not exist"),
        (("3a", "parts.txt"), "is no .csv file"),
        (("3a", "a.csv", "b.csv"), "takes one .csv file"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused(run: Run, words: tuple[str, ...], message: str) -> None:
    status, _, error = run("check", *words)
    assert status == 2
    assert message in error
