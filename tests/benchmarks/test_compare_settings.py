"""What `compare_settings` refuses before it fits anything, and what it stores."""

from pathlib import Path

import numpy as np
import pytest
from synthetic_corpora import write_segmented, write_sprsound

from respbench.benchmarks.tuning.compare_settings import main


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """ICBHI's and SPRSound's layouts. To be read only."""
    folder = tmp_path_factory.mktemp("sounds")
    write_segmented(folder / "icbhi", patients=10)
    write_sprsound(folder / "sprsound", patients=4)
    return folder


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("{}", "--inner", "0"), "argument --inner: 0 is no whole number from 1 on"),
        (("{}", "--inner", "-1"), "argument --inner: -1 is no whole number from 1 on"),
        (("{}", "--inner", "9"), "argument --inner: 9 is more than the 4 inner folds of each outer fold"),
        (("{}", "--seeds", "0"), "argument --seeds: 0 is no whole number from 1 on"),
        (("[1]",), "argument settings: [1] is no setting; give a JSON object"),
        (("{",), "argument settings: { is no setting; give a JSON object"),
        (("{}", "--labels", "10", "--sprsound", "x"), "argument --sprsound: not allowed with argument --labels"),
    ],
)
def test_wrong_options_are_refused(wrong, sentence, sounds, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["prior", str(sounds / "icbhi"), *wrong])
    assert refused.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "wrong", "sentence"),
    [
        ("svm", ('{"nope": 1}',), "svm has no parameter 'nope'; choose from "),
        ("svm,prior", ("{}",), "svm,prior can't be compared; name one model"),
        ("ensemble", ("{}",), "ensemble can't be compared; name one model, which is no ensemble"),
        ("prior", ("{}", "--labels", "7"), "a label budget of 7 % is not available"),
        ("prior", ("{}", "--sprsound", "/nowhere"), "/nowhere is not a folder"),
        ("prior", ("{}", "--against", "prior"), "prior, prior can't be compared"),
        (
            "resnet-waveform",
            ('{"seconds": 0.05}', "--inner", "1"),
            "a waveform of 200 samples is shorter than a filter",
        ),
    ],
)
def test_wrong_requests_are_refused_in_a_sentence(model, wrong, sentence, sounds, capsys):
    assert main([model, str(sounds / "icbhi"), *wrong]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("there.npz", "there.npz exists already; move it away, or give --save another path"),
        ("x.csv", "x.csv is no NPZ file by its name; let the path of --save end in .npz"),
        ("there.npz/x.npz", "there.npz can't; choose another place for --save"),
    ],
)
def test_a_file_that_cannot_be_stored_is_refused_before_anything_is_fitted(name, sentence, sounds, tmp_path, capsys):
    (tmp_path / "there.npz").write_text("predictions of yesterday")
    assert main(["prior", str(sounds / "icbhi"), "{}", "--save", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "is fitted" not in error
    assert (tmp_path / "there.npz").read_text() == "predictions of yesterday"


def test_what_was_predicted_is_stored_by_setting_and_fold(sounds, tmp_path, capsys):
    """Also in a folder that doesn't exist yet; and with a second corpus, of which nobody is tested."""
    path = tmp_path / "new" / "x.npz"
    options = ("--inner", "1", "--sprsound", str(sounds / "sprsound"), "--save", str(path))
    assert main(["prior", str(sounds / "icbhi"), "{}", *options]) == 0
    assert "| prior   | {}        |" in capsys.readouterr().out
    stored: dict[str, Path] = np.load(path)
    assert len([name for name in stored if name.startswith("0/")]) == 5
    for fold in range(5):
        assert stored[f"0/{fold}"].shape == (len(stored[f"label/{fold}"]), 2)
        assert {name.partition(":")[0] for name in stored[f"patient/{fold}"].tolist()} == {"icbhi"}
