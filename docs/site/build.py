"""Build the documentation site strictly into build/site, check its links, and open it where there is a browser."""

import argparse
import os
import shutil
import sys
import webbrowser
from pathlib import Path

from page_links import broken_links, pages_of
from sphinx.cmd.build import build_main

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
SITE = BUILD / "site"


def main() -> int:
    """Build and check; 0 = done, 1 = a warning or a broken link."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--open", action="store_true", help="open the site in the browser")
    options.add_argument("--fresh", action="store_true", help="read every page again, also unchanged ones")
    chosen = options.parse_args()
    shutil.rmtree(SITE, ignore_errors=True)  # pages that are no longer there
    strict = ["--quiet", "--fail-on-warning", "--keep-going", *["--fresh-env"] * chosen.fresh]
    folders = ["--conf-dir", str(HERE), "--doctree-dir", str(BUILD / "doctrees"), str(HERE.parent), str(SITE)]
    if build_main(["--builder", "html", *strict, *folders]):
        print("make docs: the pages named above have problems; correct them and run it again", file=sys.stderr)
        return 1
    problems = broken_links(SITE)
    for problem in problems:
        print(f"make docs: {problem}", file=sys.stderr)
    if problems:
        return 1
    index = SITE / "index.html"
    print(f"{len(pages_of(SITE))} pages, no broken link: {index}")
    if chosen.open and _has_window():
        webbrowser.open(index.as_uri())
    return 0


def _has_window() -> bool:
    """Whether a browser can be opened: the one that the user names, else one that doesn't take over the terminal."""
    if os.environ.get("BROWSER"):
        return True
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return type(browser) is not webbrowser.GenericBrowser


if __name__ == "__main__":
    sys.exit(main())
