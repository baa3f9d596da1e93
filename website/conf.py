"""Sphinx's settings for the site."""

import twintrain

project = "twintrain"
author = "the authors of twintrain"
version = release = twintrain.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 6  # as on GitHub: every heading can be linked to
myst_enable_extensions = ["strikethrough"]
default_role = "code"  # single backticks in docstrings
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
add_module_names = False
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "twintrain"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
