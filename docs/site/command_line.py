"""The directive ``command-line``: every command of ``respbench`` with its options, read from the argument parser."""

import argparse
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from respbench.benchmarks.options import parser

WIDTH = 100
"""Characters of a line of usage."""


class CommandLine(SphinxDirective):
    """One section per command: what it does, its usage, and a table of its options."""

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        whole = parser()
        (commands,) = (action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
        summaries = {choice.dest: choice.help for choice in commands._choices_actions}
        return [self._section(name, summaries.get(name) or "", one) for name, one in commands.choices.items()]

    def _section(self, name: str, summary: str, command: argparse.ArgumentParser) -> nodes.section:
        title = f"respbench {name}"
        section = nodes.section(ids=[f"respbench-{name}"], names=[title])
        section += nodes.title("", "", nodes.literal("", title))
        if text := command.description or summary:
            section += nodes.paragraph("", f"{text[0].upper()}{text[1:].removesuffix('.')}.")
        formatter = argparse.HelpFormatter(command.prog, width=WIDTH)
        formatter.add_usage(command.usage, command._actions, command._mutually_exclusive_groups, "")
        section += nodes.literal_block("", formatter.format_help().strip(), language="text")
        if rows := list(_rows(command)):
            section += _table(rows)
        return section


def _rows(command: argparse.ArgumentParser) -> Iterator[tuple[list[str], str]]:
    """Per option, how it is written and what it does, with its default in place of ``%(default)s``."""
    formatter = argparse.HelpFormatter(command.prog)
    for action in command._actions:
        if isinstance(action, argparse._HelpAction) or action.help is argparse.SUPPRESS:
            continue
        value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        takes = action.nargs != 0 and action.option_strings
        names = [f"{name} {value}" if takes else name for name in action.option_strings] or [value]
        yield names, formatter._expand_help(action) if action.help else ""


def _table(rows: list[tuple[list[str], str]]) -> nodes.table:
    group = nodes.tgroup(cols=2)
    group += [nodes.colspec(colwidth=35), nodes.colspec(colwidth=65)]
    group += nodes.thead("", _row(nodes.paragraph("", "option"), nodes.paragraph("", "what it does")))
    body = nodes.tbody()
    for names, text in rows:
        option = nodes.paragraph()
        for name in names:
            option += [nodes.Text(", ")] * bool(option.children) + [nodes.literal("", name)]
        body += _row(option, nodes.paragraph("", text))
    group += body
    return nodes.table("", group)


def _row(*cells: nodes.paragraph) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
