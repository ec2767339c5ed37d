"""Settings of Sphinx, which makes the site of these pages: `make docs`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

project = "Palimpsest"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docs_site.extension",
]
exclude_patterns = ["_build", "examples", "pages"]
nitpicky = False  # types in signatures are those of numpy and torch, whose docs are elsewhere

myst_heading_anchors = 3
myst_enable_extensions = ["attrs_inline"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the arguments are described; numpy's unions would hide them
toc_object_entries_show_parents = "hide"
default_role = "literal"  # `name` in a docstring is code
napoleon_use_ivar = True

copybutton_exclude = ".go"
copybutton_prompt_text = "$ "

html_theme = "furo"
html_title = "Palimpsest"
html_favicon = "static/icon.svg"
html_logo = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b4f7d",
        "color-brand-content": "#00639b",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8fd0f5",
        "color-brand-content": "#6cc0f0",
    },
}
