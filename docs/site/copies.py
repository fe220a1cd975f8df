"""Copies of files of the project within the site: code in color, Markdown rendered, everything else as it is."""

import html
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from markdown_it import MarkdownIt
from page_links import Links, links_of, pages_of
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound

COPIES = "repository"
"""Folder of the site that holds the copies."""

AS_THEY_ARE = {".png", ".html", ".gz", ".svg", ".ico"}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="{top}repository/copy.css"></head>
<body><p class="where"><a href="{top}index.html">respbench documentation</a> / {title}</p>
<main>
{body}
</main></body></html>
"""

STYLE = """:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 0.85rem; display: block; overflow-x: auto; }
td, th { border: 1px solid #8886; padding: 0.2rem 0.5rem; white-space: nowrap; }
img { max-width: 100%; background: #fff; } pre { overflow-x: auto; font-size: 0.85rem; } a { color: #2573c4; }
.linenos { opacity: 0.5; user-select: none; margin-right: 1em; } .where { border-bottom: 1px solid #8886; }
"""


def address(file: Path) -> str:
    """Where the copy of a file or folder of the project is, relative to the top of the site."""
    name = file.as_posix()
    if file.suffix == "" or file.suffix not in AS_THEY_ARE:
        name = f"{name}.html" if name != "." else "index.html"
    return f"{COPIES}/{quote(name)}"


def write_copies(site: Path, root: Path, pages: Path, found: set[str]) -> None:
    """Write every file that a page of the site, or a copy, links to.

    Args:
        site: folder of the built site.
        root: of the project.
        pages: folder of the site's own pages.
        found: their names; links from a copy to one of these lead to the page.
    """
    writer = _Writer(site, root, pages, found)
    for page in pages_of(site):
        if not page.is_relative_to(site / COPIES):
            writer.want(_wanted(page, links_of(page.read_text(encoding="utf-8")), site, root))
    writer.write_all()
    (site / COPIES).mkdir(exist_ok=True)
    code = HtmlFormatter(style="a11y-light").get_style_defs(".highlight")
    (site / COPIES / "copy.css").write_text(f"{STYLE}{code}\n", encoding="utf-8")


def _wanted(page: Path, links: Links, site: Path, root: Path) -> Iterator[Path]:
    """The files, relative to the project, whose copies a page links to."""
    for link in links.targets:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not parts.path:
            continue
        target = Path(os.path.normpath(page.parent / unquote(parts.path)))
        if target.is_relative_to(site / COPIES):
            copy = target.relative_to(site / COPIES)
            plain = copy.with_name(copy.name.removesuffix(".html"))
            exact = copy.suffix in AS_THEY_ARE and (root / copy).is_file()
            yield copy if exact else (Path() if copy == Path("index.html") else plain)


class _Writer:
    def __init__(self, site: Path, root: Path, pages: Path, found: set[str]) -> None:
        self.site, self.root, self.pages, self.found = site, root, pages, found
        self.done: set[Path] = set()
        self.todo: list[Path] = []
        self.markdown = MarkdownIt("commonmark", {"html": True}).enable("table")

    def want(self, files: Iterator[Path]) -> None:
        """Plan copies of files, unless they are planned already or absent."""
        for file in files:
            if file not in self.done and (self.root / file).exists():
                self.done.add(file)
                self.todo.append(file)

    def write_all(self) -> None:
        """Write what is planned, and what that links to."""
        while self.todo:
            file = self.todo.pop()
            target = self.site / unquote(address(file))
            target.parent.mkdir(parents=True, exist_ok=True)
            if (self.root / file).is_file() and file.suffix in AS_THEY_ARE:
                shutil.copyfile(self.root / file, target)
                continue
            text = self._page(file)
            target.write_text(text, encoding="utf-8")
            self.want(_wanted(target, links_of(text), self.site, self.root))

    def _page(self, file: Path) -> str:
        top = "../" * len(Path(address(file)).parent.parts)
        return PAGE.format(title=html.escape(file.as_posix()), top=top, body=self._body(file, top))

    def _body(self, file: Path, top: str) -> str:
        path = self.root / file
        if path.is_dir():
            names = sorted(entry.name for entry in path.iterdir() if entry.is_file() and entry.name[0] != ".")
            items = [f'<li><a href="{top}{address(file / name)}">{html.escape(name)}</a></li>' for name in names]
            return f"<ul>{''.join(items)}</ul>"
        text = path.read_text(encoding="utf-8", errors="replace")
        if file.suffix == ".md":
            return self._rendered(file, text, top)
        try:
            lexer = get_lexer_for_filename(file.name)
        except ClassNotFound:
            return f"<pre>{html.escape(text)}</pre>"
        return str(highlight(text, lexer, HtmlFormatter(linenos="inline")))

    def _rendered(self, file: Path, text: str, top: str) -> str:
        tokens = self.markdown.parse(text)
        for opening, content in itertools.pairwise(tokens):
            if opening.type == "heading_open":
                opening.attrSet("id", slug(content.content))
        for token in tokens:
            for child in token.children or []:
                if child.type == "link_open":
                    child.attrSet("href", self._translated(file, str(child.attrGet("href")), top))
                elif child.type == "image":
                    child.attrSet("src", self._translated(file, str(child.attrGet("src")), top))
        return str(self.markdown.renderer.render(tokens, self.markdown.options, {}))

    def _translated(self, file: Path, link: str, top: str) -> str:
        """The address for a link of a Markdown file: a page of the site, a copy, or unchanged."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not parts.path:
            return link
        path = Path(os.path.normpath(self.root / file.parent / unquote(parts.path)))
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        if path.is_relative_to(self.pages):
            name = path.relative_to(self.pages).with_suffix("").as_posix()
            for page in (name, f"{name}/index"):
                if page in self.found:
                    return f"{top}{page}.html{fragment}"
        return f"{top}{address(path.relative_to(self.root))}{fragment}" if path.is_relative_to(self.root) else link


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", lambda found: found[1] or "", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
