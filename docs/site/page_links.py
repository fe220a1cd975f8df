"""Links of the built site: each must lead to a page or file of it, and to an anchor that is there.

Nothing may be fetched from elsewhere: no script, style, font or image of another host.
"""

import os
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Links:
    """What a page links to, what it loads, and the anchors that it has."""

    targets: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links = Links()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the links and anchors of a tag."""
        found = dict(attrs)
        self.links.anchors |= {value for name in ("id", "name") if (value := found.get(name))}
        if tag in ("a", "area") and found.get("href"):
            self.links.targets.append(found["href"] or "")
        loads = found.get("href") if tag == "link" and "canonical" not in (found.get("rel") or "") else found.get("src")
        if loads:
            self.links.targets.append(loads)
            self.links.loaded.append(loads)


def links_of(text: str) -> Links:
    """Read the links and anchors of an HTML page."""
    reader = _Reader()
    reader.feed(text)
    return reader.links


def broken_links(site: Path) -> list[str]:
    """Check every page of a site; one sentence per link that leads nowhere, or that loads from another host."""
    found = []
    for page in pages_of(site):
        links = _links_at(page)
        name = page.relative_to(site)
        found += [f"{name} loads {load} from another host" for load in links.loaded if urlsplit(load).netloc]
        for link in dict.fromkeys(links.targets):
            if problem := _problem(page, link, site):
                found.append(f"{name} links to {link}, {problem}")
    return found


def pages_of(site: Path) -> list[Path]:
    """The pages of a site, in order; without the templates among the theme's own files."""
    return [page for page in sorted(site.rglob("*.html")) if page.relative_to(site).parts[0] != "_static"]


def _problem(page: Path, link: str, site: Path) -> str:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
    if not target.is_relative_to(site):
        return "which is outside the site"
    if not target.is_file():
        return "which is not there"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in _links_at(target).anchors:
        return "whose anchor is not there"
    return ""


@cache
def _links_at(page: Path) -> Links:
    return links_of(page.read_text(encoding="utf-8"))
