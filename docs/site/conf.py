"""Sphinx configuration of the site that `make docs` builds, see docs/decisions/0024-documentation-site.md."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the extensions beside this file

project = "respbench"
author = "the respbench authors"
copyright = "the respbench authors, MIT license"
release = version = installed_version("respbench")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_parser",
    "code_names",
    "command_line",
    "constant_texts",
    "mathml",
    "practical_pages",
    "repository_files",
]
source_suffix = {".md": "markdown", ".py": "markdown"}
root_doc = "index"
exclude_patterns = ["site/**", "practical/[!0-9]*.py", "**/__pycache__/**"]
needs_sphinx = "9.0"
show_warning_types = True

myst_enable_extensions = ["dollarmath", "amsmath", "attrs_inline"]
myst_heading_anchors = 4
myst_dmath_allow_labels = False
myst_dmath_allow_digits = False
myst_dmath_allow_space = False
myst_links_external_new_tab = False

nitpicky = True  # types of this project that a signature names must be in the reference; those of others are not
nitpick_ignore_regex = [(r"py:.*", r"(?!respbench\.).*")]

default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # their types are in the signatures
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "respbench"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # would be fetched from the pages, which browsers refuse for file://
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-light",
    "pygments_dark_style": "a11y-dark",
}
