"""One self-contained HTML page per report, from its Markdown pages: no network, works from a file.

Names of models, classes and files come from users. So no HTML of a page is passed on but that of `Page.details`,
images are those of the report, links stay within the results, and the page's own security policy allows no script
but its own.
"""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from respbench.benchmarks.report.chart_data import Chart
from respbench.benchmarks.report.markdown import GENERATED

REPORT = "report.html"

FIGURES = "figures"

STYLE, SCRIPTS = "report.css", ("report.js", "charts.js")
"""Files in ``assets`` that become part of the page."""

NUMBERED = re.compile(r"\*\*((?:Table|Figure) \d+[^*]*)\*\*")
"""Opens the caption of a table or figure of `Page`."""

DETAILS = re.compile(r"<details>\n<summary>(<b>[^<]*</b>)?[^<]*</summary>\n*|</details>\n*")
"""The HTML that `Page.details` writes, with text in which ``<`` is escaped."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One Markdown page of the report, which becomes a section of the HTML page.

    Attributes:
        file: name of the page; links to it become links to the section.
        title: heading of the section.
        markdown: the page.
    """

    file: str
    title: str
    markdown: str

    @property
    def anchor(self) -> str:
        """Identifier of the section."""
        return self.file.removesuffix(".md").lower()


@dataclass(frozen=True, kw_only=True)
class Media:
    """What takes the place of the figures, by their file names.

    Attributes:
        images: PNG files.
        charts: interactive figures; each replaces the image of its name.
        sounds: WAV files by caption, to be played below the figure.
    """

    images: Mapping[str, bytes] = field(default_factory=dict)
    charts: Mapping[str, Chart] = field(default_factory=dict)
    sounds: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)


OPTIONS = MarkdownIt("commonmark").options
"""Of rendering: nothing in the page is highlighted or linked by itself."""


class _Renderer(RendererHTML):
    """Renders tokens as HTML that holds no HTML of the page but its folded parts, and nothing from elsewhere."""

    def __init__(self, anchor: str, anchors: Mapping[str, str], media: Media) -> None:
        super().__init__()
        self.anchor = anchor
        self.anchors = anchors
        self.media = media

    def parts(self, blocks: Sequence[SyntaxTreeNode]) -> Iterator[str]:
        """Render blocks; tables and images join their captions, which come before a table and after an image."""
        while blocks:
            block, *rest = blocks
            if NUMBERED.match(_content(block)) and rest and rest[0].type == "table":
                yield _figure("table", self.html(block.children), self.html(rest[:1]))
                rest = rest[1:]
            elif _is_image(block) and rest and (label := NUMBERED.match(_content(rest[0]))):
                chart = self.media.charts.get(_figure_name(block.children[0].children[0]))
                caption = (
                    f"<strong>{html.escape(label[1])}</strong> {html.escape(chart.caption)}"
                    if chart
                    else self.html(rest[0].children)
                )
                yield _figure("image", caption, self.html(block.children))
                rest = rest[1:]
            else:
                yield self.html([block])
            blocks = rest

    def html(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        """Render parts of the page."""
        tokens = [_within_section(token) for node in nodes for token in node.to_tokens()]
        return str(self.render(tokens, OPTIONS, {}))

    def heading_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """Open a heading to which pages can link as on GitHub, but for its flags."""
        words = re.sub(r"[^\w\s-]", "", tokens[idx + 1].content.partition(" [")[0].lower())
        return f'<{tokens[idx].tag} id="{html.escape(self.anchor + "-" + "-".join(words.split()))}">'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """Open a table in a box in which it scrolls where it is wider than the page."""
        return '<div class="scroll"><table>\n'

    def table_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """Close both."""
        return "</table></div>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """Link a section or another report of the results; any other target is left out."""
        href = str(tokens[idx].attrs.get("href", ""))
        target = urlsplit(href)
        page, _, part = href.partition("#")
        anchor = self.anchor if not page else self.anchors.get(page)
        if anchor:
            return f'<a href="#{html.escape(f"{anchor}-{part}" if part else anchor)}">'
        if target.scheme or target.netloc or href.startswith("/"):
            return "<a>"
        return f'<a href="{html.escape(re.sub("README.md$", REPORT, href))}">'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """Show a figure of the report: its interactive form, else its image, else its text."""
        token = tokens[idx]
        name = _figure_name(token)
        text = html.escape(self.renderInlineAsText(token.children, options, env))
        if name in self.media.charts:
            shown = f'<div class="chart" data-chart="{html.escape(name)}" role="group" aria-label="{text}"></div>'
        elif name in self.media.images:
            shown = f'<img src="{data_url("image/png", self.media.images[name])}" alt="{text}" loading="lazy">'
        else:
            shown = f"<p>{text}</p>"
        players = "".join(_player(caption, wav) for caption, wav in self.media.sounds.get(name, {}).items())
        return f'<div>{shown}<div class="sounds">{players}</div></div>' if players else shown

    def html_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:
        """Pass on what folds a part; escape everything else."""
        content = tokens[idx].content
        return content if DETAILS.fullmatch(content) else f"<p>{html.escape(content)}</p>"

    def html_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """Escape it."""
        return html.escape(tokens[idx].content)


def html_report(title: str, warnings: Sequence[str], sections: Sequence[Section], media: Media) -> str:
    """Render the page.

    Args:
        title: of the report.
        warnings: sentences that open the page.
        sections: README.md first.
        media: figures and sounds.
    """
    assets = files("respbench.benchmarks.report") / "assets"
    style, *scripts = ((assets / name).read_text(encoding="utf-8") for name in (STYLE, *SCRIPTS))
    anchors = {section.file: section.anchor for section in sections}
    charts = json.dumps(media.charts, default=asdict, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _ENVIRONMENT.get_template("report.html.j2").render(
        title=title,
        warnings=warnings,
        sections=[(section, Markup(section_html(section, anchors, media))) for section in sections],
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        charts=Markup(charts.replace("<", "\\u003c")),  # it can't end the element that holds it
        policy="default-src 'none'; img-src data:; media-src data:; "
        f"style-src {source_hash(style)}; script-src {' '.join(map(source_hash, scripts))}",
    )


def section_html(section: Section, anchors: Mapping[str, str], media: Media) -> str:
    """Render what a page shows below its heading, the line about its origin, and its warnings.

    Args:
        section: the page.
        anchors: identifiers of the sections, by the file name of their page.
        media: figures and sounds.
    """
    parser = MarkdownIt("commonmark").enable("table")
    blocks = _body(SyntaxTreeNode(parser.parse(section.markdown)).children)
    return "".join(_Renderer(section.anchor, anchors, media).parts(blocks))


def _body(blocks: Sequence[SyntaxTreeNode]) -> list[SyntaxTreeNode]:
    """Leave out the heading of a page, where it comes from, and its warnings: the HTML page shows them once."""
    return [
        block
        for block in blocks
        if not (block.type == "heading" and block.tag == "h1")
        and block.type != "blockquote"
        and not _content(block).startswith(GENERATED)
    ]


def _figure(kind: str, caption: str, content: str) -> str:
    return f'<figure class="{kind}">\n<figcaption>{caption}</figcaption>\n{content}\n</figure>\n'


def _within_section(token: Token) -> Token:
    """A token one level of headings lower, its alignment as a class: the page's policy allows no inline style."""
    if token.type in ("heading_open", "heading_close"):
        return token.copy(tag=f"h{int(token.tag[1]) + 1}")
    if style := token.attrs.get("style"):
        return token.copy(attrs={"class": str(style).removeprefix("text-align:")})
    return token


def _content(block: SyntaxTreeNode) -> str:
    """The Markdown of a paragraph; empty for any other block."""
    return block.children[0].content if block.type == "paragraph" else ""


def _figure_name(image: Token | SyntaxTreeNode) -> str:
    return str(image.attrs.get("src", "")).removeprefix(f"{FIGURES}/")


def _is_image(block: SyntaxTreeNode) -> bool:
    """Whether a block is nothing but an image."""
    return block.type == "paragraph" and [part.type for part in block.children[0].children] == ["image"]


def data_url(kind: str, content: bytes) -> str:
    """Embed a file of a media type as a URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _player(caption: str, wav: bytes) -> str:
    text, source = html.escape(caption), data_url("audio/wav", wav)
    return f'<p>{text}<audio controls preload="metadata" aria-label="{text}" src="{source}"></audio></p>'


def source_hash(text: str) -> str:
    """Hash a style or script as a Content-Security-Policy states it."""
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"


_ENVIRONMENT = Environment(
    loader=PackageLoader("respbench.benchmarks.report"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
