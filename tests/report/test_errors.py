"""The clips that the leading models are most confidently wrong on: the right ones, and a figure of no others."""

import base64
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_up_results import STRENGTHS, made_up_results, synthetic_clips
from synthetic_corpora import TINY_RUN

from respbench.benchmarks.cli import main
from respbench.benchmarks.report import pages
from respbench.benchmarks.report.errors import CLIPS_PER_LEADER, FIGURE, ErrorKind, Errors, find_errors, sounds_of
from respbench.benchmarks.report.figures.errors import plan_errors, shown_clips
from respbench.benchmarks.report.html import REPORT
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.sounds import PEAK, SOUND_PAGE, wav
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.storage.store import CLIPS, Store
from respbench.corpora.clips import Clips
from respbench.corpora.prepared.prepare import Prepared, prepare_clips

ROOT = Path(__file__).resolve().parents[2]
FOUR = ("normal", "crackle", "wheeze", "both")
MODELS = {**STRENGTHS, "cnn": 1.0, "weak": 0.4}
OTHER_FIGURES = ("plan_figures", "plan_comparisons", "plan_curves", "plan_subgroups", "plan_calibration")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load_results(made_up_results(tmp_path_factory.mktemp("results"), MODELS))


@pytest.fixture(scope="module")
def errors(results: Results) -> Errors:
    found = find_errors(results)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The made-up clips as a prepared corpus, with noise in place of silence."""

    def make() -> Clips:
        clips, rng = synthetic_clips(), np.random.default_rng(0)
        return replace(clips, signals=[rng.normal(0, 0.1, s.shape).astype(np.float32) for s in clips])

    code = "respbench.corpora.simulated.simulation:simulate"
    return prepare_clips(make, "made-up", 4000, "", code, tmp_path_factory.mktemp("cache"), "made-up clips")


def abnormal(results: Results, name: str) -> dict[str, float]:
    """Probability of being abnormal by clip, its mean over repeats, from the stored tables."""
    found: dict[str, list[float]] = {}
    model = results.find(name)
    assert model is not None
    for fit in model.fits:
        for clip, normal in zip(fit.predictions["clip_id"], fit.predictions["normal"], strict=True):
            found.setdefault(clip, []).append(1 - normal)
    return {clip: float(np.mean(values)) for clip, values in found.items()}


def is_abnormal(kind: ErrorKind) -> bool:
    return kind.truth == "abnormal"


def test_leaders_are_the_best_models_that_use_the_sound(results: Results, errors: Errors) -> None:
    svm, cnn = results.find("svm"), results.find("cnn")
    assert svm is not None
    assert cnn is not None
    assert svm.value("auroc") > cnn.value("auroc")
    assert errors.leaders == ("svm", "cnn")
    assert errors.models == 3
    assert [clip.number for clip in errors.clips] == list(range(1, len(errors.clips) + 1))


def test_no_error_of_a_leader_is_more_confident_than_those_shown(results: Results, errors: Errors) -> None:
    assert results.clips is not None
    facts = results.clips.set_index("clip_id")
    truth = (facts["label"] != "normal").to_dict()
    for kind in errors.kinds:
        assert len(kind.clips) == 2 * CLIPS_PER_LEADER
        assert len({clip.patient for clip in kind.clips}) == len(kind.clips)
        shown = [clip.clip_id for clip in kind.clips]
        for number, leader in enumerate(errors.leaders):
            predicted = abnormal(results, leader)
            own = kind.clips[number * CLIPS_PER_LEADER : (number + 1) * CLIPS_PER_LEADER]
            sign = -1 if is_abnormal(kind) else 1
            confidence = [sign * clip.abnormal[number] for clip in own]
            assert confidence == sorted(confidence, reverse=True)
            taken = {clip.patient for clip in kind.clips[: (number + 1) * CLIPS_PER_LEADER]}
            others = [clip for clip in predicted if truth[clip] == is_abnormal(kind) and clip not in shown]
            free = [sign * predicted[clip] for clip in others if facts.loc[clip, "patient"] not in taken]
            assert max(free) <= confidence[-1]


def test_facts_and_wrong_models_are_those_of_the_clip(results: Results, errors: Errors) -> None:
    assert results.clips is not None
    facts = results.clips.set_index("clip_id")
    predicted = {name: abnormal(results, name) for name in ("svm", "cnn", "weak")}
    for kind in errors.kinds:
        for clip in kind.clips:
            assert (clip.patient, clip.seconds) == tuple(facts.loc[clip.clip_id, ["patient", "seconds"]])
            assert (clip.device, clip.location) == ("a stethoscope", "unknown")
            assert clip.recording == facts.loc[clip.clip_id, "recording"]
            assert clip.abnormal == pytest.approx([predicted["svm"][clip.clip_id], predicted["cnn"][clip.clip_id]])
            called = [p[clip.clip_id] > 0.5 for p in predicted.values()]
            assert clip.wrong == called.count(not is_abnormal(kind)) >= 1
    always = [
        all((p[clip] > 0.5) != (label != "normal") for p in predicted.values())
        for clip, label in facts["label"].items()
    ]
    assert sum(kind.always_wrong for kind in errors.kinds) == sum(always)
    assert sum(kind.tested for kind in errors.kinds) == len(facts)


def test_taking_one_abnormal_class_for_another_is_no_error(tmp_path: Path) -> None:
    found = find_errors(load_results(made_up_results(tmp_path, {"svm": 1.0}, seeds=1, classes=FOUR)))
    assert found is not None
    positives, negatives = found.kinds
    assert {clip.label for clip in positives.clips} == {"normal"}
    assert {clip.label for clip in negatives.clips} <= set(FOUR[1:])


def test_the_figure_stays_with_its_clips_and_goes_with_them(
    tmp_path: Path, corpus: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    for others in OTHER_FIGURES:
        monkeypatch.setattr(pages, others, lambda results: {})
    store = made_up_results(tmp_path, {"svm": 1.2, "cnn": 0.7}, seeds=1)
    figure, page = store.folder / "figures" / FIGURE, store.folder / "errors.md"
    write_report(store)
    assert not figure.exists()
    assert "not drawn" in page.read_text()
    write_report(store, corpus=corpus)
    drawn, text = figure.read_bytes(), page.read_text()
    assert f"](figures/{FIGURE})" in text
    write_report(store)
    assert (figure.read_bytes(), page.read_text()) == (drawn, text)
    found = find_errors(load_results(store))
    assert found is not None
    assert shown_clips(figure) == found.digest
    other = made_up_results(tmp_path / "other", {"weak": 0.1, "svm": 1.2, "cnn": 0.7}, seeds=1)
    shutil.copytree(store.folder / "figures", other.folder / "figures")
    write_report(other)
    assert not (other.folder / "figures" / FIGURE).exists(), "it shows other clips"
    (store.folder / CLIPS).unlink()
    write_report(store)
    assert not figure.exists()
    assert not page.exists()


def test_sounds_are_in_a_page_of_their_own(tmp_path: Path, corpus: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    for others in OTHER_FIGURES:
        monkeypatch.setattr(pages, others, lambda results: {})
    store = made_up_results(tmp_path, {"svm": 1.2}, seeds=1)
    page = store.folder / SOUND_PAGE
    write_report(store, corpus=corpus, listen=True)
    found = find_errors(load_results(store))
    assert found is not None
    played = re.findall(r'aria-label="([^"]+)" src="data:audio/wav;base64,([^"]+)"', page.read_text())
    assert [label.partition(":")[0] for label, _ in played] == [str(clip.number) for clip in found.clips]
    originals = sounds_of(found, corpus)
    for (_, sound), clip in zip(played, found.clips, strict=True):
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)), dtype="int16")
        assert (rate, len(samples) / rate) == (4000, clip.seconds)
        assert np.corrcoef(samples, originals[clip.clip_id][0])[0, 1] > 0.999
        assert abs(samples.astype(int)).max() == pytest.approx(PEAK * 2**15, rel=1e-3)
    assert "<audio" not in (store.folder / REPORT).read_text()
    write_report(store)
    assert not page.exists(), "its sounds may be those of other clips"


def test_git_ignores_the_page_with_sounds() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    command = ["git", "check-ignore", f"results/icbhi/abnormal/patients-5fold/{SOUND_PAGE}"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_silence_stays_silent() -> None:
    samples, _ = soundfile.read(io.BytesIO(wav(np.zeros((2, 40), dtype=np.float32), 4000)))
    assert not samples.any()


@pytest.mark.parametrize("damage", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40)])
def test_a_damaged_figure_shows_nothing(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FIGURE).write_bytes(damage)
    assert shown_clips(tmp_path / FIGURE) == ""
    assert shown_clips(tmp_path / "none.png") == ""


def test_without_a_model_that_uses_the_sound_there_is_no_page(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "metadata": 0.6}, seeds=1)
    write_report(store, draw=False)
    assert not (store.folder / "errors.md").exists()


def test_the_command_refuses_another_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store: Store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    assert main(["errors", str(store.folder), *TINY_RUN[:6]]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"the fits in {store.folder} come from other sounds (made-up, fingerprint 0123456789abcdef)" in message
    assert not (store.folder / "errors.md").exists()


def test_the_command_says_that_the_corpus_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0}, seeds=1)
    assert main(["errors", str(store.folder), "--corpus", "icbhi", "--data", str(tmp_path / "gone")]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"{tmp_path / 'gone'} " in message


def test_only_sounds_have_a_picture_of_errors(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for channels, planned in (((), {FIGURE}), (("x", "y"), set())):
        facts = replace(results.corpus, channels=channels)
        monkeypatch.setattr(Prepared, "facts", lambda self, facts=facts: facts)
        assert set(plan_errors(find_errors(results), tmp_path, Prepared(tmp_path))) == planned
