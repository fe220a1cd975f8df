"""Which models run on which corpus: what takes other recordings is left out with a sentence, or refused when named."""

from dataclasses import replace

import pytest

from respbench.benchmarks.options import parse
from respbench.corpora.choices import CORPORA, MODALITIES, MOTION, SOUND, modality_of
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.problems import InputError
from respbench.models.registry import REGISTRY
from respbench.models.selection import find, from_file, suited

FACTS = CorpusFacts(name="study", description="", simulated=False, rate=50, modality=MOTION)


def spec(name, **changes):
    return replace(REGISTRY["prior"], name=name, **changes)


EAR, WRIST, BOTH = spec("ear", modalities=(SOUND,)), spec("wrist", modalities=(MOTION,)), spec("both")


def names_of(specs):
    return [one.name for one in specs]


def test_usual_models_of_other_recordings_are_left_out_with_a_sentence():
    kept, sentences = suited([EAR, BOTH, WRIST], FACTS, named=False)
    assert names_of(kept) == ["both", "wrist"]
    assert sentences == [
        "ear: made for other recordings than the movements of the corpus study; left out on this corpus."
    ]


def test_named_models_of_other_recordings_are_refused():
    with pytest.raises(InputError, match=r"ear: made for other recordings .* choose other models"):
        suited([EAR, BOTH], FACTS, named=True)
    with pytest.raises(InputError, match="wrist: made for other recordings than the sounds"):
        suited([WRIST, BOTH], replace(FACTS, modality=SOUND), named=True)


def test_without_any_model_left_the_run_is_refused():
    with pytest.raises(InputError, match="ear: made for other recordings"):
        suited([EAR], FACTS, named=False)


def test_what_is_optional_on_these_recordings_runs_only_when_named():
    rare = spec("rare", optional_on=(MOTION,))
    assert suited([rare, BOTH], FACTS, named=False) == ([BOTH], [])
    assert suited([rare, BOTH], FACTS, named=True) == ([rare, BOTH], [])
    assert suited([rare, BOTH], replace(FACTS, modality=SOUND), named=False) == ([rare, BOTH], [])


def test_a_model_file_takes_what_it_says(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def build(*, seed): ...\n")
    assert from_file(path).modalities == MODALITIES
    path.write_text("MODALITIES = ('motion',)\ndef build(*, seed): ...\n")
    assert from_file(path).modalities == (MOTION,)


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_kind_of_corpus_has_usual_models_with_the_controls(modality):
    kept, _ = suited(find(), replace(FACTS, modality=modality), named=False)
    assert {"prior", "duration", "metadata"} < set(names_of(kept))
    assert all(modality in one.modalities for one in kept)


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_task_is_that_of_the_corpus_unless_named(corpus):
    expected = "activity" if modality_of(corpus) == MOTION else "abnormal"
    assert parse(["run", "--corpus", corpus]).task == expected
    assert parse(["run", "--corpus", corpus, "--task", "four-class"]).task == "four-class"


def test_windows_are_numbers_of_seconds():
    options = parse(["explore", "--corpus", "hmp", "--window", "2.5"])
    assert (options.window, options.hop) == (2.5, 0.0)
    with pytest.raises(InputError, match="-1 is no number of seconds"):
        parse(["explore", "--corpus", "hmp", "--window=-1"])
