"""Execute the pages of docs/practical, and write each as a notebook with its outputs and as HTML."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.problems import InputError
from respbench.practical.setting import PAGES

LONGEST = 1200
"""s that a cell may take."""

FORGET = "import matplotlib.pyplot as _plt; _plt.close('all'); get_ipython().run_line_magic('reset', '-sf')"
"""What is executed after a page, so that none depends on another."""


def sources(chosen: Sequence[str] = ()) -> list[Path]:
    """The pages in their order, or those whose names begin with one of ``chosen``.

    Raises:
        InputError: there is no page, or none that begins so.
    """
    pages = sorted(PAGES.glob("[0-9][0-9]-*.py"))
    chosen = [name.zfill(2) for name in chosen]
    unknown = [name for name in chosen if not any(page.name.startswith(name) for page in pages)]
    if unknown or not pages:
        raise InputError(f"{PAGES} has no page {', '.join(unknown) or 'at all'}; take a number such as 03")
    return [page for page in pages if not chosen or page.name.startswith(tuple(chosen))]


def build(output: Path, chosen: Sequence[str] = ()) -> None:
    """Execute pages one after the other in one kernel, which forgets each, and write them to a folder.

    Args:
        output: the folder.
        chosen: see `sources`.

    Raises:
        InputError: a package of the extra ``docs`` is missing, or a page fails.
    """
    pages = sources(chosen)
    try:
        from jupyter_client.manager import KernelManager
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ImportError as error:
        raise InputError(f"{error.name} is missing; install it with pip install 'respbench[docs]'") from error
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as sockets:
        # On POSIX by files that others can't open, not by ports; their place must not depend on the kernel's folder.
        by_files = {"transport": "ipc", "ip": f"{sockets}/kernel"} if os.name == "posix" else {}
        manager = KernelManager(kernel_name="python3", **by_files)
        quiet = "ignore:IProgress not found"  # of tqdm, which Optuna imports
        manager.start_kernel(cwd=str(PAGES), env={**os.environ, "PYTHONWARNINGS": quiet})
        try:
            for page in pages:
                notebook, begin = _read(page), time.perf_counter()
                resources = {"metadata": {"path": str(PAGES)}}
                notebook.cells.append(_cell(FORGET))
                client = NotebookClient(notebook, km=manager, timeout=LONGEST, startup_timeout=300, resources=resources)
                try:
                    client.execute(cleanup_kc=False)
                except CellExecutionError as error:
                    raise InputError(f"{page} fails: {str(error).strip().splitlines()[-1]}; correct it") from error
                if client.kc is not None:
                    client.kc.stop_channels()
                notebook.cells.pop()
                _write(notebook, output, page.stem)
                print(f"{page.stem}: {time.perf_counter() - begin:.1f} s", flush=True)
        finally:
            manager.shutdown_kernel(now=True)


def _read(page: Path) -> Any:
    import jupytext

    notebook = jupytext.read(page)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def _cell(code: str) -> Any:
    from nbformat.v4 import new_code_cell

    return new_code_cell(code)


def _write(notebook: Any, output: Path, stem: str) -> None:
    """Write the notebook, and as HTML that loads nothing from the network."""
    import nbformat
    from nbconvert import HTMLExporter

    notebook.metadata["title"] = stem
    write_atomically(output / f"{stem}.ipynb", nbformat.writes(notebook).encode())
    page, _ = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="").from_notebook_node(notebook)
    write_atomically(output / f"{stem}.html", page.encode())
