"""The commands that export folds and compare results, which open no run. Imports nothing heavy until then."""

import argparse

from rich.console import Console

from respbench.benchmarks.opening import open_prepared


def folds(options: argparse.Namespace, console: Console) -> int:
    """``respbench folds``: write which clips each fold trains on, validates on and tests."""
    from respbench.benchmarks.execution.jobs import remarks_on
    from respbench.benchmarks.outside import write_folds
    from respbench.corpora.protocols import find as find_protocol

    protocol = find_protocol(options.protocol, options.folds)
    prepared = open_prepared(options, console)
    for sentence in remarks_on(prepared, options.task, protocol):
        console.print(sentence)
    write_folds(options.output, prepared, options.task, protocol, options.repeats)
    console.print(f"{options.output}")
    return 0


def compare(options: argparse.Namespace, console: Console) -> int:
    """``respbench compare``: say what changed between two results folders; neither is written to."""
    from respbench.benchmarks.report.changes import changes_between, page, summary
    from respbench.benchmarks.storage.files import write_atomically

    found = changes_between(options.before, options.after)
    console.print(summary(found))
    if options.output:
        write_atomically(options.output, page(found, options.before, options.after).encode())
        console.print(f"The full page: {options.output}")
    return 2 if found.obstacles else 0
