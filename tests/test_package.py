"""What is packed into the wheel, which versions are constrained, and how the package is cited."""

import re
import tomllib
from pathlib import Path

import pytest

from respbench.benchmarks.make_words import SWITCHES, VARIABLES, without_make

PROJECT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_of_the_package_is_packed() -> None:
    """`make dist-check` builds the wheel and looks into it; here are the lists that decide what it holds."""
    setuptools = PYPROJECT["tool"]["setuptools"]
    root = PROJECT / "respbench"
    folders = {path.parent for path in root.rglob("*.py")}
    assert {".".join(folder.relative_to(PROJECT).parts) for folder in folders} == set(setuptools["packages"])
    data = {
        path
        for package, patterns in setuptools["package-data"].items()
        for pattern in patterns
        for path in (PROJECT / package.replace(".", "/")).glob(pattern)
    }
    files = {path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in files if path.suffix != ".py"} == data
    assert root / "py.typed" in data


def test_every_package_that_is_asked_for_has_one_version() -> None:
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0].lower()) for line in lines]
    assert len(names) == len(set(names))
    asked = [*PYPROJECT["project"]["dependencies"]]
    asked += [name for extra in PYPROJECT["project"]["optional-dependencies"].values() for name in extra]
    for requirement in asked:
        found = re.match(r"[\w.-]+", requirement)
        assert found
        assert re.sub(r"[-_.]+", "-", found[0].lower()) in names, f"constraints.txt has no version of {found[0]}"


def test_the_supported_versions_of_python_are_stated_once() -> None:
    versions = [line.rpartition(" ")[2] for line in PYPROJECT["project"]["classifiers"] if ":: Python ::" in line]
    assert PYPROJECT["project"]["requires-python"] == f">={versions[0]}"
    assert f"for python in {versions[0]}.9 {' '.join(versions[1:])}; do" in (PROJECT / ".ci" / "resolve").read_text()
    assert f"{versions[0]} to {versions[-1]}" in (PROJECT / "docs" / "howto" / "installation.md").read_text()


def test_the_citation_is_that_of_this_version() -> None:
    """Of CFF 1.2.0, the required keys, and what other files say too."""
    text = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    keys = dict(re.findall(r"^([a-z-]+):(?: +(.*))?$", text, re.MULTILINE))
    assert {"cff-version", "message", "title", "authors"} <= keys.keys()
    assert keys["cff-version"] == "1.2.0"
    assert keys["version"] == PYPROJECT["project"]["version"]
    assert keys["license"] == PYPROJECT["project"]["license"]
    assert keys["title"] == PYPROJECT["project"]["name"]
    assert re.search(r"^authors:\n  - (name|given-names|family-names): \S", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "fetch it with `make data`, or set DATA to your copy",
            "fetch it with `respbench data`, or set --data to your copy",
        ),
        ("run `make benchmark …`, then `make tables`", "run `respbench run …`, then `respbench report`"),
        ("CORPUS=icbhi needs DATA=<folder>", "--corpus=icbhi needs --data=<folder>"),
        ("leave them out with --leave-out-bad (LEAVE_OUT_BAD=1 for make).", "leave them out with --leave-out-bad."),
        ("leave out --unlabeled (MODELS and UNLABELED for make)", "leave out --unlabeled"),
        (
            "choose other RESULTS, SEEDS or OTHER_DATA; LEAVE_OUT_BAD=1",
            "choose other --results, --repeats or --other-data; --leave-out-bad",
        ),
        ("/home/DATA/CORPUS.csv and MODELS_OLD do not exist", "/home/DATA/CORPUS.csv and MODELS_OLD do not exist"),
    ],
)
def test_sentences_name_the_command_where_there_is_no_make(sentence: str, expected: str) -> None:
    assert without_make(sentence) == expected


def test_every_variable_of_make_that_is_an_option_can_be_named() -> None:
    given = re.findall(r"--([a-z-]+) \"\$\(([A-Z_]+)\)\"", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    assert len(given) > 20
    for _, variable in given:
        if variable in VARIABLES:
            assert without_make(f"set {variable}") in [f"set --{option}" for option, name in given if name == variable]
    assert set(SWITCHES) <= set(VARIABLES)


def test_the_container_is_built_by_make() -> None:
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    targets = re.findall(r"^RUN make ([a-z-]+)$", text, re.MULTILINE)
    assert targets == ["cpu-torch", "setup"]
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
