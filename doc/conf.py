"""Sphinx configuration."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")

import sklearn_ispl  # noqa: E402

project = "sklearn-ispl"
copyright = "2026, the sklearn-ispl developers"
author = "the sklearn-ispl developers"
version = release = sklearn_ispl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "examples"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": False}
html_title = "sklearn-ispl"
html_sidebars = {"install": [], "whats_new": []}

autosummary_generate = True
# What scikit-learn's and torch's base classes add is documented there.
autodoc_default_options = {
    "members": True,
    "inherited-members": "Module,Sequential,BaseEstimator,ClassifierMixin",
    "exclude-members": (
        "get_metadata_routing,set_fit_request,set_score_request,set_output"
    ),
}
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "doc_module": ("sklearn_ispl",),
    "backreferences_dir": None,
    "show_memory": False,
    "download_all_examples": False,
}
