"""Fingerprints change when what they stand for changes, and only then."""

import importlib
import sys

import pytest

from corpora import fingerprint
from corpora.fingerprint import code_fingerprint, digest, file_digest, source_fingerprint

CODE = '''"""A module."""

import numpy as np

RATE = 4000  # Hz


def f(x):
    """Double it."""
    return 2 * x
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Modules of which ``first`` imports ``second`` when called, and that ``third``; ``alone`` is alone."""
    folder = tmp_path / "madeup"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "first.py").write_text("def f():\n    from madeup.second import g\n    return g()\n")
    (folder / "second.py").write_text("from madeup import third\n\ndef g():\n    return third.VALUE\n")
    (folder / "third.py").write_text("VALUE = 1\n")
    (folder / "alone.py").write_text("VALUE = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "madeup", raising=False)  # looking up a module imports its package
    monkeypatch.setattr(fingerprint, "PACKAGES", ("madeup",))
    return folder


def afresh(*modules):
    """The fingerprint that a new process would find."""
    fingerprint._code.cache_clear()
    importlib.invalidate_caches()
    return code_fingerprint(*modules)


def test_digest_sees_order_and_borders():
    assert len({digest(parts) for parts in (["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], ["ab", "c", ""])}) == 5


def test_digest_takes_text_and_bytes_alike():
    assert digest(["é"]) == digest(["é".encode()])
    assert len(digest([])) == 16


def test_file_digest_depends_on_content_not_on_name(tmp_path):
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b") != file_digest(tmp_path / "c")


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("  # Hz", "  # samples a second", True),
        ("A module.", "A better module.", True),
        ("Double it.", "Two of it.", True),
        ("\n\n\ndef", "\n\ndef", True),
        ("4000", "8000", False),
        ("2 * x", "x * 2", False),
    ],
)
def test_code_counts_and_comments_do_not(tmp_path, old, new, same):
    assert old in CODE
    (tmp_path / "old.py").write_text(CODE)
    (tmp_path / "new.py").write_text(CODE.replace(old, new))
    assert (source_fingerprint(tmp_path / "old.py") == source_fingerprint(tmp_path / "new.py")) is same


@pytest.mark.parametrize(("changed", "same"), [("second", False), ("third", False), ("alone", True)])
def test_fingerprint_follows_imports_wherever_they_stand(package, changed, same):
    before = afresh("madeup.first")
    with (package / f"{changed}.py").open("a") as file:
        file.write("\nEXTRA = 3\n")
    assert (afresh("madeup.first") == before) is same


def test_source_outside_the_packages_follows_imports_into_them(package, tmp_path):
    source = tmp_path / "mine.py"
    source.write_text("from madeup.third import VALUE\n")
    fingerprint._code.cache_clear()
    before = source_fingerprint(source)
    (package / "third.py").write_text("VALUE = 3\n")
    fingerprint._code.cache_clear()
    assert source_fingerprint(source) != before


def test_a_module_that_is_not_there_is_named(package):
    with pytest.raises(ModuleNotFoundError, match=r"madeup\.missing"):
        afresh("madeup.missing")
