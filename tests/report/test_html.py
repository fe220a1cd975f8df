"""The HTML page of a report: whole, closed to the network and to what names of users bring in, without a browser."""

import base64
import itertools
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_up_results import made_up_results

from respbench.benchmarks.report import html
from respbench.benchmarks.report.html import REPORT, Media, Section, section_html
from respbench.benchmarks.report.pages import README, Source, write_pages, write_report
from respbench.benchmarks.statistics.loading import load_results

ATTACK = "<img src=x onerror=alert(1)>"
CLOSING = "</script><script>alert(2)</script>"
MARKDOWN = "`[a](javascript:alert(3))![b](c.png)"
ASSETS = Path(html.__file__).parent / "assets"
VOID = {"meta", "img", "br", "hr", "input"}


class Tags(HTMLParser):
    """All tags of a page with their attributes; raises where an end tag doesn't fit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a report with names that try to become HTML, Markdown or script."""
    store = made_up_results(
        tmp_path_factory.mktemp("results"),
        {"prior": 0.0, "metadata": 0.5, "svm": 1.0, "cnn": 0.8, ATTACK: 0.9, MARKDOWN: 0.7},
        classes=("normal", CLOSING),
        simulated=True,
        seeds=1,
    )
    write_report(store)
    return (store.folder / REPORT).read_text(encoding="utf-8")


def test_names_of_users_are_shown_and_do_nothing(page: str) -> None:
    tags = Tags(page)
    for name in (ATTACK, CLOSING):
        assert any(name in text for text in tags.texts["td"])
    assert [tag for tag, _ in tags.found].count("script") == 3
    for tag, attributes in tags.found:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for source in filter(None, (attributes.get("src"), attributes.get("href"))):
            inside = {"img": "data:image/png;base64,", "audio": "data:audio/wav;base64,", "a": "#"}
            assert source.startswith(inside[tag]), source


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    tags = Tags(page)
    assert not {tag for tag, _ in tags.found} & {"link", "iframe", "object", "embed", "base", "form"}
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", page)
    (policy,) = [found["content"] for _, found in tags.found if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; media-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_is_readable_without_eyes_and_marked_everywhere(page: str) -> None:
    tags = Tags(page)
    levels = [int(tag[1]) for tag, _ in tags.found if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all("alt" in attributes for tag, attributes in tags.found if tag == "img")
    for heading in re.findall(r"<h[1-6].*?</h", page, re.DOTALL):
        assert "[SIMULATED]" in heading, heading
    captions = re.findall(r"<figure class=\"(?:table|image)\">\n<figcaption><strong>(.*?)</strong>", page)
    assert (
        len(captions)
        == page.count("<figure ")
        == page.count("<table>") + page.count('class="chart"') + page.count("<img ")
    )
    assert all("[SIMULATED]" in caption for caption in captions)
    assert "SIMULATED sounds" in page.partition('<div class="warning"')[2].partition("</div>")[0]


def test_the_figures_have_their_data(page: str) -> None:
    charts = json.loads(re.findall(r'<script type="application/json" id="charts">(.*?)</script>', page, re.DOTALL)[0])
    assert set(charts) == set(re.findall(r'data-chart="(.*?)"', page)) == {
        "leaderboard.png", "roc.png", "learning_curves.png"
    }  # fmt: skip
    first = charts["leaderboard.png"]["views"][0]
    assert first["name"] == "score"
    assert sorted(row[0] for row in first["rows"]) == sorted(["prior", "metadata", "svm", "cnn", ATTACK, MARKDOWN])
    assert all(low <= value <= high for _, value, low, high in first["rows"])


def shown(markdown: str, anchors: dict[str, str] | None = None, media: Media | None = None) -> str:
    return section_html(Section(file="costs.md", title="Costs", markdown=markdown), anchors or {}, media or Media())


def test_links_stay_within_the_results() -> None:
    inside = shown("[a](method.md) [b](method.md#as-good-as) [c](#d) [e](../x/README.md)", {"method.md": "method"})
    targets = ("#method", "#method-as-good-as", "#costs-d", "../x/report.html")
    assert tuple(re.findall('href="(.*?)"', inside)) == targets
    assert "href" not in shown("[a](https://example.org) [b](//example.org/c) [d](/etc/passwd) <https://example.org>")
    assert '<h4 id="costs-as-good-as">' in shown("### As *good* as? [LEAKY]")


def test_a_sound_is_played_below_its_figure_only() -> None:
    figure = "![Figure 1: a clip.](figures/{}.png)\n\n**Figure 1.** A clip.\n\n"
    media = Media(images={"a.png": b"1", "b.png": b"2"}, sounds={"b.png": {"a <b>": b"RIFF"}})
    first, second = shown(figure.format("a") + figure.format("b"), media=media).split("</figure>")[:2]
    assert "<audio" not in first
    assert f'src="data:audio/wav;base64,{base64.b64encode(b"RIFF").decode()}"' in second


def test_html_of_a_page_is_text_but_for_folded_parts() -> None:
    folded = "<details>\n<summary><b>svm</b>: complete</summary>\n\nText.\n\n</details>\n"
    assert shown(folded).split() == folded.replace("Text.", "<p>Text.</p>").split()
    attacked = shown(f"<details>\n<summary><b>{ATTACK}</b></summary>\n\n{ATTACK} a {ATTACK}\n")
    assert Tags(attacked).found == [("p", {}), ("p", {})]


def test_every_page_of_the_report_is_a_section(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, seeds=1)
    source = Source(results=load_results(store), folder=store.folder)
    write_pages(source)
    page = (store.folder / REPORT).read_text(encoding="utf-8")
    names = {path.name for path in store.folder.glob("*.md")}
    assert set(re.findall(r'<section id="(.*?)"', page)) == {name.removesuffix(".md").lower() for name in names}
    assert README in names
    assert len(names) > 4


def test_the_scripts_parse() -> None:
    scripts = sorted(ASSETS.glob("*.js"))
    assert scripts
    if node := shutil.which("node"):  # the browser's test runs them
        for script in scripts:
            subprocess.run([node, "--check", script], check=True)
