"""The documentation site's own code: the check of links, copies of files, pages of the practical."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[1]


def module(name: str) -> ModuleType:
    """Import a module of docs/site, of those that need no Sphinx."""
    folder = str(PROJECT / "docs" / "site")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def site(folder: Path, link: str) -> Path:
    (folder / "sub").mkdir()
    (folder / "index.html").write_text(f'<h1 id="top">Top</h1>{link}')
    (folder / "sub" / "page.html").write_text('<h2 id="part">Part</h2><a href="../index.html#top">up</a>')
    return folder


@pytest.mark.parametrize(
    "link", ["sub/page.html", "sub/page.html#part", "#top", "https://example.org/", "mailto:a@b.c"]
)
def test_a_link_that_leads_somewhere_is_no_problem(tmp_path: Path, link: str) -> None:
    assert module("page_links").broken_links(site(tmp_path, f'<a href="{link}">x</a>')) == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("sub/other.html", "which is not there"),
        ("sub/page.html#other", "whose anchor is not there"),
        ("#other", "whose anchor is not there"),
        ("../outside.html", "which is outside the site"),
    ],
)
def test_a_link_that_leads_nowhere_is_stated(tmp_path: Path, link: str, problem: str) -> None:
    found = module("page_links").broken_links(site(tmp_path, f'<a href="{link}">x</a>'))
    assert found == [f"index.html links to {link}, {problem}"]


@pytest.mark.parametrize(
    "tag",
    ['<script src="//a.org/x.js"></script>', '<link href="https://a.org/x.css">', '<img src="http://a.org/x.png">'],
)
def test_nothing_may_be_loaded_from_another_host(tmp_path: Path, tag: str) -> None:
    (problem,) = module("page_links").broken_links(site(tmp_path, tag))
    assert problem.endswith("from another host")


def test_linked_files_of_the_project_are_copied_with_what_they_link_to(tmp_path: Path) -> None:
    project, built = tmp_path / "project", tmp_path / "site"
    for folder in (project / "docs", project / "results" / "figures", built):
        folder.mkdir(parents=True)
    (project / "code.py").write_text("x = 1 < 2\n")
    (project / "unlinked.py").write_text("y = 1\n")
    (project / "docs" / "guide.md").write_text("# Guide\n")
    (project / "results" / "README.md").write_text(
        "# All `figures`\n\n![one](figures/a.png) [code](../code.py) [guide](../docs/guide.md) [here](#all-figures)\n"
    )
    (project / "results" / "figures" / "a.png").write_bytes(b"png")
    (built / "guide.html").write_text("guide")
    (built / "index.html").write_text('<a href="repository/results/README.md.html">results</a>')
    module("copies").write_copies(built, project, project / "docs", {"guide"})
    copies = {path.relative_to(built / "repository").as_posix() for path in built.rglob("repository/**/*.*")}
    assert copies == {"copy.css", "code.py.html", "results/README.md.html", "results/figures/a.png"}
    page = (built / "repository" / "results" / "README.md.html").read_text()
    assert 'href="../../guide.html"' in page
    assert 'id="all-figures"' in page
    assert module("page_links").broken_links(built) == []


def test_a_page_of_the_practical_is_shown_as_it_is_written() -> None:
    text = '# %% [markdown]\n# # Look\n#\n# Some text.\n\n# %%\nx = 1\n\n# %% tags=["a"]\ny = 2\n'
    expected = "# Look\n\nSome text.\n\n````python\nx = 1\n````\n\n````python\ny = 2\n````\n"
    assert module("practical_pages").from_percent(text) == expected


def test_a_page_of_the_practical_is_shown_with_what_it_printed_and_drew() -> None:
    outputs = [
        {"output_type": "stream", "text": ["\x1b[1mone\x1b[0m\n", "two\n"]},
        {"output_type": "display_data", "data": {"image/png": "QUJD\n", "text/plain": "<Figure size 1x1>"}},
        {"output_type": "execute_result", "data": {"text/html": "<table>\n\n</table>", "text/plain": "frame"}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Look\n"]},
        {"cell_type": "code", "source": "x", "outputs": outputs},
    ]
    page = module("practical_pages").from_notebook({"cells": cells})
    assert page.startswith("# Look\n\n````python\nx\n````\n\n```text\none\ntwo\n```\n")
    assert "![figure](data:image/png;base64,QUJD)" in page
    assert "\n<table>\n</table>\n" in page
