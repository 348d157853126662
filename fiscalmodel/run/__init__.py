"""Running notebooks: one report, or thousands."""

import sys

# For addresses that no notebook names, jsonschema (which nbformat imports) would compile 38
# grammars in each process, seconds of work, where JupyterLab brings this package along.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
