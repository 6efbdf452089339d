"""How Sphinx builds these pages (`make docs`). Neither that nor a reader's browser fetches anything from outside."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs.generate import api, cli, settings  # noqa: E402

for generated in (api, cli, settings):
    name = generated.__name__.rpartition(".")[2]
    (HERE / "reference" / f"{name}.md").write_text(generated.page(), encoding="utf-8")

project = "crawler"
copyright = "the authors of crawler, MIT licence"
extensions = ["myst_parser"]
smartquotes = False  # "process" is typed so
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_title = "crawler"
html_show_sphinx = False
html_copy_source = False
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3


def setup(app):  # Pygments does not know these languages
    from pygments.lexers.special import TextLexer

    for language in ("crontab", "csv"):
        app.add_lexer(language, TextLexer)
