"""Formulas as MathML, which browsers draw by themselves: no script, no font and no network is needed.

Converted by docutils; the pages state formulas as ``$…$`` and ``$$…$$``.
"""

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(_converted(node, block=False))
    raise nodes.SkipNode


def display(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(f'<div class="math">{_converted(node, block=True)}</div>\n')
    raise nodes.SkipNode


def _converted(node: nodes.Element, block: bool) -> str:
    try:
        return str(tex2mathml(node.astext(), as_block=block))
    except MathError as error:
        LOGGER.warning("the formula %r can't be converted: %s", node.astext(), error, location=node)
        return str(nodes.literal("", node.astext()))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the renderer, and choose it."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    app.config.html_math_renderer = "mathml"
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
