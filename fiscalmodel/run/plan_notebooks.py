"""The project's notebooks as a plan names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.paths import inside, safe_name
from fiscalmodel.run.parameters import declared_parameters, read_notebook
from fiscalmodel.run.stamps import without_outputs
from fiscalmodel.suggest import did_you_mean


class Notebooks:
    """Notebooks of the project, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.read: dict[Path, Mapping[str, Any] | InputError] = {}

    def path(self, name: str, *, where: str) -> Path:
        text = name if name.endswith(".ipynb") else f"{name}.ipynb"
        if "/" not in text and "\\" not in text:
            text = f"notebooks/{safe_name(text, where=where)}"
        if Path(text).is_absolute() or "\\" in text or ".." in Path(text).parts:
            raise InputError(
                where, f"notebook {name!r} is not a path inside the project", "see notebooks/"
            )
        return inside(self.root, text, where=where)

    def get(self, name: str, *, where: str) -> Mapping[str, Any]:
        path = self.path(name, where=where)
        if path not in self.read:
            try:
                if not path.is_file():
                    hint = did_you_mean(path.stem, [p.stem for p in path.parent.glob("*.ipynb")])
                    raise InputError(where, f"notebook {name!r} not found", hint)
                document = without_outputs(read_notebook(path))
                declared_parameters(document, where=relative(path, self.root))
                self.read[path] = document
            except InputError as error:
                self.read[path] = error
        found = self.read[path]
        if isinstance(found, InputError):
            raise found
        return found


def relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if root in path.parents else str(path)
