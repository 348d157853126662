"""The documentation site: README, notebooks with their outputs, and docstrings.

``sphinx-build -c docs . site`` writes it into ``site/``; the pages work without a
network. Nothing is run: notebooks are shown with the outputs that they are kept with.
"""

from __future__ import annotations

import fiscalmodel as fm

project = "fiscalmodel"
author = "fiscalmodel"
copyright = "Apache-2.0"
version = release = fm.__version__
language = "zh_CN"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md", "README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md",
    "notebooks/*.ipynb",
]  # fmt: skip
html_theme = "furo"
html_title = f"fiscalmodel {release}"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["tables.css"]

nb_execution_mode = "off"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# Links to files of the repository lead nowhere on the site.
suppress_warnings = ["myst.xref_missing", "myst.header", "mystnb.unknown_mime_type"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

#: Room of the package -> heading of its functions.
ROOMS = {
    "series": "序列与口径 Series",
    "tables": "读表 Tables",
    "checks": "核对 Checks",
    "revenue": "收入 Revenue",
    "debt": "债务 Debt",
    "fees": "代收手续费 Commissions",
    "budget": "预算 Budget",
    "scenario": "情景 Scenarios",
    "run": "批量运行 Runs",
    "present": "报告 Reports",
    "": "其他 Other",
}


def functions() -> str:
    """The page of all public functions, room by room."""
    rooms: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name in fm.__all__:
        module = getattr(getattr(fm, name), "__module__", "") or ""
        room = module.split(".")[1] if module.count(".") > 1 else ""
        if not name.startswith("__"):
            rooms[room if room in rooms else ""].append(f"fiscalmodel.{name}")
    parts = ["# 函数 Functions", "`import fiscalmodel as fm`，各函数写作 `fm.名称`。"]
    for room, names in rooms.items():
        parts.append(f"## {ROOMS[room]}")
        for name in names:
            kind = "class" if name.rsplit(".", 1)[1][0].isupper() else "function"
            parts.append(f"```{{eval-rst}}\n.. auto{kind}:: {name}\n```")
    return "\n\n".join(parts) + "\n"


def setup(app):
    def fill(_, page, source):
        if page == "docs/functions":
            source[0] = functions()

    app.connect("source-read", fill)
