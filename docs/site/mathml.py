"""Formulas as MathML, which browsers draw by themselves: no script, no font and no network is needed.

Converted by docutils; the pages state formulas as ``$…$`` and ``$$…$$``.
"""

from docutils import nodes
from docutils.utils.math.latex2mathml import parse_latex_math
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(parse_latex_math(node.astext(), inline=True).toxml())
    raise nodes.SkipNode


def display(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    formula = parse_latex_math(node.astext(), inline=False).toxml()
    translator.body.append(f'<div class="math">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the renderer, and choose it."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    app.config.html_math_renderer = "mathml"
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
