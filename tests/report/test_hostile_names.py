"""Names and metadata that try to be HTML, Markdown, terminal commands or script, from a manifest to every page."""

import csv
from collections.abc import Iterator
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from synthetic_corpora import noise, write_sound

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.figures.style import new_figure, png

HARM = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "[click](javascript:alert(3)) ![pixel](https://evil.example/p.png)",
    "`</details><!--<b onmouseover=alert(4)>",
    "|\x1b[2J\u202egnp.exe",
    '=HYPERLINK("https://evil.example") $\\frac{1$',
)
MODEL = '''"""A model {harm}."""
import numpy as np


class Constant:
    n_parameters = 0

    def fit(self, train, valid, unlabeled=None):
        return self

    def predict_proba(self, clips):
        return np.tile([0.6, 0.4], (len(clips), 1))


def build(*, seed, note={harm!r}):
    if {fails}:
        raise ValueError(note)
    return Constant()
'''
OWN_TAGS = {
    *("h1", "h2", "h3", "h4", "p", "em", "strong", "code", "a", "ul", "li", "blockquote", "details", "summary", "b"),
    *("table", "thead", "tbody", "tr", "th", "td", "div", "section", "figure", "figcaption", "footer"),
}
"""What pages are made of. Images are checked by where they come from."""


class Elements(HTMLParser):
    """Collects what a browser would make of HTML that a report never writes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.foreign: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = next((value or "" for name, value in attrs if name in ("src", "href")), "")
        known = tag in OWN_TAGS or (tag == "img" and target.endswith(".png") and ":" not in target)
        if not known or any(name.startswith("on") for name, _ in attrs) or target.startswith(("http", "java", "//")):
            self.foreign.append(self.get_starttag_text() or tag)

    def handle_comment(self, data: str) -> None:
        self.foreign.append(data)


def write_corpus(folder: Path) -> Path:
    """A manifest of 8 patients with 2 clips each in which every text means harm."""
    rows = []
    for i in range(16):
        harm = HARM[i % len(HARM)]
        name = f"{harm.replace('/', '')}{i}.wav"
        write_sound(folder / name, noise(0.3, i))
        patient = f"{HARM[i // 2 % len(HARM)]} {i // 2}"
        rows.append((name, patient, ("normal", "abnormal")[i % 2], HARM[i % 3], HARM[3 + i // 2 % 2], harm))
    path = folder / f"{HARM[1]}`.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "patient", "label", "device", "location", HARM[0]), *rows])
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[tuple[Path, str]]:
    """The results of a run on the manifest with hostile models, and everything that was printed."""
    folder = tmp_path_factory.mktemp("hostile")
    models = []
    for name, fails in ((f"m{HARM[3].replace('/', '')}", False), (f"f{HARM[0].replace('/', '')}", True)):
        models += ["--model", str(folder / f"{name}.py")]
        (folder / f"{name}.py").write_text(MODEL.format(harm=" ".join(HARM), fails=fails), encoding="utf-8")
    data = ("--corpus", "manifest", "--data", str(write_corpus(folder)), "--results", str(folder / "results"))
    run = ("--models", "prior,duration", *models, "--protocol", "patients-2fold", "--repeats", "1", "--trials", "0")
    with pytest.MonkeyPatch.context() as patch:
        printed = StringIO()
        patch.setattr("sys.stdout", printed)
        patch.setattr("sys.stderr", printed)
        for module in ("pages", "explore"):  # figures take most of the time, and have a test of their own
            patch.setattr(f"respbench.benchmarks.report.{module}.write_figures", lambda folder, drawings: None)
        assert main(["run", *data, *run, "--workers", "1"]) == 1  # one of the models fails
        assert main(["explore", *data]) == 0
        assert main(["run", *data, "--models", HARM[4]]) == 2
        yield folder / "results", printed.getvalue()


def test_no_page_holds_what_names_try_to_be(written: tuple[Path, str]) -> None:
    pages = [path for path in written[0].rglob("*") if path.suffix in (".md", ".html")]
    assert {"README.md", "report.html", "errors.md", "subgroups.md", "models.md"} <= {path.name for path in pages}
    text = "".join(path.read_text(encoding="utf-8") for path in pages)
    assert all(word in text for word in ("alert(1)", "alert(2)", "alert(3)", "alert(4)", "evil.example"))
    parser = MarkdownIt("commonmark").enable("table")  # lets HTML through, as most readers of Markdown do
    for path in pages:
        page = path.read_text(encoding="utf-8")
        shown = page.partition("<main")[2].rpartition("</main>")[0] if path.suffix == ".html" else parser.render(page)
        assert not Elements(shown).foreign, path.name


def test_nothing_printed_or_written_commands_a_terminal(written: tuple[Path, str]) -> None:
    results, printed = written
    texts = {path.name: path.read_text(encoding="utf-8") for path in results.rglob("*.md")}
    for name, text in {**texts, "printed": printed}.items():
        assert not [char for char in text if not (char.isprintable() or char in "\n\t")], name
    assert r"\x1b[2J" in printed


def test_a_figure_shows_names_as_they_are() -> None:
    """Dollar signs are no formula, and a character that the font lacks is no warning."""
    assert png(new_figure(2, 1, " ".join(HARM))).startswith(b"\x89PNG")


def test_tables_that_a_spreadsheet_opens_hold_no_formula(written: tuple[Path, str]) -> None:
    tables = list(written[0].rglob("*.csv"))
    assert {"leaderboard.csv", "costs.csv", "ranks.csv"} <= {path.name for path in tables}
    for path in tables:
        for row in csv.reader(path.read_text(encoding="utf-8").splitlines()):
            assert not [cell for cell in row if cell.startswith(("=", "@", "\t"))], path.name
