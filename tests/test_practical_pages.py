"""The pages of docs/practical: each runs on a small simulated corpus, and ends with its exercises."""

import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from respbench.corpora.problems import InputError
from respbench.practical import setting
from respbench.practical.build import sources
from respbench.practical.check import EXERCISES

PAGES = sources()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few simulated clips, few epochs, and no window."""
    monkeypatch.setenv(setting.QUICK_VARIABLE, "1")
    monkeypatch.delenv(setting.DATA_VARIABLE, raising=False)
    monkeypatch.delenv(setting.HMP_VARIABLE, raising=False)
    plt.switch_backend("agg")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_and_labels_its_axes(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The axes of a grid share the label of its first column or row, and names beside rows are labels, too."""
    plt.close("all")
    runpy.run_path(str(page))
    assert capsys.readouterr().out
    for number in plt.get_fignums():
        axes = plt.figure(number).axes
        assert any(one.get_xlabel() for one in axes), f"figure {number} has no label along x"
        named = [tick.get_text() for one in axes for tick in one.get_yticklabels()]
        unlabeled = not any(one.get_ylabel() for one in axes) and any(one.get_yticks().size for one in axes)
        assert not unlabeled or any(name[:1].isalpha() for name in named), f"figure {number} has none along y"
    plt.close("all")


def test_every_page_ends_with_two_exercises_and_every_exercise_has_a_page() -> None:
    asked = []
    for number, page in enumerate(PAGES, 1):
        text = page.read_text(encoding="utf-8")
        assert page.name.startswith(f"{number:02d}-")
        assert text.startswith(f"# %% [markdown]\n# # {number} · "), page.name
        commands = re.findall(r"respbench\.practical check (\S+) (.+)", text.partition("## Exercises")[2])
        assert [name for name, _ in commands] == [f"{number}a", f"{number}b"], page.name
        asked += commands
    assert dict(asked) == {name: one.takes for name, one in EXERCISES.items()}


def test_prose_states_no_measured_number() -> None:
    """Decimals in prose are definitions or parameters; results are printed by the page."""
    allowed = {"0.5", "9.8", "7.3", "0.95", "3.14", "0.70", "0.60", "0.80", "0.10", "0.01", "0.19"}
    for page in PAGES:
        cells = re.findall(r"^# %% \[markdown\]\n((?:#.*\n)*)", page.read_text(encoding="utf-8"), re.MULTILINE)
        found = set(re.findall(r"(?<![\w.])\d\.\d+", "".join(cells)))
        assert found <= allowed, f"{page.name}: {sorted(found - allowed)}"


def test_pages_are_chosen_by_the_beginning_of_their_names() -> None:
    assert [page.name for page in sources(["3", "11"])] == ["03-partition.py", "11-reflection.py"]
    with pytest.raises(InputError, match="no page 12"):
        sources(["12"])


def test_a_folder_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(setting.DATA_VARIABLE, str(tmp_path / "cycles"))
    with pytest.raises(InputError, match=r"RESPBENCH_PRACTICAL_DATA names .*cycles, which is no folder"):
        setting.chosen()


def test_names_state_the_annotation() -> None:
    clips = setting.sounds(setting.chosen(), "four-class")
    names = setting.file_names(clips)
    assert len(set(names)) == len(clips)
    assert all(name.endswith(f"_{label & 1}_{label >> 1}.wav") for name, label in zip(names, clips.label, strict=True))
    with pytest.raises(InputError, match="four-class"):
        setting.file_names(setting.sounds(setting.chosen()))
