"""How the documentation is built: ``make -C docs html``."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

import nengo_lmu

project = "nengo_lmu"
author = "The nengo_lmu maintainers"
copyright = "the nengo_lmu maintainers"
version = release = nengo_lmu.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "commands",
    "mathml",
    "page_links",
    "pictures",
    "public_names",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
html_math_renderer = "mathml"
default_role = "py:obj"
highlight_language = "text"  # of blocks after two colons, which are of terminals
nitpicky = True
templates_path = ["templates"]

autosummary_generate = True
autosummary_imported_members = True  # with the next, what `__all__` has
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections have the types
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True

html_theme = "furo"
html_title = f"nengo_lmu {version}"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
