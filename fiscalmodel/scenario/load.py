"""Scenario files: ``extends``, every problem at once, paths that stay inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fiscalmodel import yamlio
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.paths import inside, project_root, safe_name
from fiscalmodel.scenario.schema import ScenarioSpec
from fiscalmodel.schema_errors import Origins, explain
from fiscalmodel.words import say

MAX_EXTENDS = 10


@dataclass(frozen=True)
class Region:
    """A region that scenarios may name."""

    key: str
    zh: str
    en: str
    synthetic: bool = False

    def name(self, lang: str) -> str:
        """Display name in `lang`."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True)
class Scenario:
    """A scenario that passed every check.

    Attributes
    ----------
    id
        ``region/file``, unique in the project.
    spec
        The merged content.
    region
        The region it is for.
    file
        The file it was read from.
    files
        Key (``debt.ledger`` ...) -> data file, absolute, known to exist.
    chain
        All files read, from this one to the last that it extends.
    """

    id: str
    spec: ScenarioSpec
    region: Region
    file: Path
    files: Mapping[str, Path] = field(default_factory=dict)
    chain: tuple[Path, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether any of its data are made up."""
        return self.spec.synthetic or self.region.synthetic

    def name(self, lang: str = "zh") -> str:
        """Region and scenario in `lang`."""
        return f"{self.region.name(lang)} · {self.spec.name(lang)}"

    def change(self, changes: Mapping[str, Any], name: str = "") -> Scenario:
        """The scenario with some keys filled differently; itself it stays as it is.

        Parameters
        ----------
        changes
            Dotted key -> value, as in the file: ``{"debt.quota_shock_pct": -20}``; a mapping
            is laid over what is there, None takes a key out.
        name
            Name of the new scenario; by default the old one with a ``*``.

        Raises
        ------
        InputError
            If a key is unknown or a value does not fit.
        """
        over: dict[str, Any] = {"name": name or f"{self.spec.name.zh} *"}
        for key, value in changes.items():
            *above, last = key.split(".")
            at = over
            for part in above:
                at = at.setdefault(part, {})
            at[last] = value
        data = _merge(self.spec.model_dump(exclude_none=True), over)
        try:
            spec = ScenarioSpec.model_validate(_with_year_keys(data), strict=True)
        except ValidationError as error:
            paths = {path: (self.id, yamlio.Position(1, 1)) for path in _paths(data)}
            told = explain(error, ScenarioSpec, paths, self.id)
            raise InputError.of(replace(problem, where=self.id) for problem in told) from None
        return replace(self, id=f"{self.id} *", spec=spec)


def load_scenario(path: str | Path) -> Scenario:
    """Read a scenario file with everything that it extends.

    Parameters
    ----------
    path
        Relative paths are looked up from the working directory, then from the
        project's folder.

    Raises
    ------
    InputError
        With all problems, each as ``file:line:column: key: problem``.
    """
    file = _find(path)
    root = project_root(file.parent)
    data, origins, chain = _merged(file, root)
    found = Collector()
    shown = _shown(file, root)
    try:
        spec = ScenarioSpec.model_validate(_with_year_keys(data), strict=True)
    except ValidationError as error:
        found.problems += explain(error, ScenarioSpec, origins, shown)
        spec = None
    regions = read_regions(root)
    name = data.get("region") if isinstance(data, dict) else None
    where = _place(origins, ("region",), shown)
    if isinstance(name, str):
        try:
            safe_name(name, where=where)
        except InputError as error:
            found.extend(error)
        else:
            if name not in regions:
                hint = did_you_mean(name, regions) or known_names(regions)
                found.add(
                    where,
                    "scenario.unknown_region",
                    say("scenario.new_region", hint=hint),
                    name=name,
                )
    files = _data_files(data, file, root, origins, shown, found)
    found.raise_if_any()
    assert spec is not None
    return Scenario(_identity(file, root, spec), spec, regions[spec.region], file, files, chain)


def read_regions(root: Path | None = None) -> dict[str, Region]:
    """The regions of ``params/regions.yaml`` by key."""
    file = (root or project_root()) / "params" / "regions.yaml"
    data, _ = yamlio.load_yaml(file)
    regions = data.get("regions") if isinstance(data, dict) else None
    if not isinstance(regions, dict):
        raise InputError(file, "scenario.no_regions")
    made: dict[str, Region] = {}
    for key, entry in regions.items():
        key = safe_name(key, where=str(file))
        names = set(entry) - {"synthetic"} if isinstance(entry, dict) else set()
        if names != {"zh", "en"}:
            raise InputError(file, "scenario.region_names", key=key)
        made[key] = Region(key, str(entry["zh"]), str(entry["en"]), entry.get("synthetic") is True)
    return made


def _find(path: str | Path) -> Path:
    given = Path(path)
    for candidate in (
        [given] if given.is_absolute() else [Path.cwd() / given, project_root() / given]
    ):
        if candidate.is_file():
            if candidate.suffix.lower() not in (".yaml", ".yml"):
                raise InputError(path, "scenario.no_yaml")
            return candidate.resolve()
    raise InputError(path, "scenario.not_found")


def _merged(file: Path, root: Path) -> tuple[dict[str, Any], Origins, tuple[Path, ...]]:
    """The file's content over that of what it extends, and where each key stands."""
    fence = root / "params" if root / "params" in file.parents else file.parent
    layers: list[tuple[Path, dict[str, Any], yamlio.Positions]] = []
    current: Path | None = file
    while current is not None:
        shown = _shown(current, root)
        data, positions = yamlio.load_yaml(current)
        if not isinstance(data, dict):
            raise InputError(shown, "scenario.no_mapping")
        layers.append((current, data, positions))
        parent = data.pop("extends", None)
        if parent is None:
            break
        where = yamlio.place(shown, positions, ("extends",))
        if not isinstance(parent, str) or Path(parent).is_absolute():
            raise InputError(where, "scenario.extends_not_relative", path=parent)
        current = inside(fence, current.parent / parent, where=f"{where}: extends")
        if current in [layer[0] for layer in layers]:
            raise InputError(where, "scenario.extends_circle", path=parent)
        if not current.is_file():
            raise InputError(where, "scenario.extends_missing", path=parent)
        if len(layers) >= MAX_EXTENDS:
            raise InputError(where, "scenario.extends_too_long", most=MAX_EXTENDS)
    merged: dict[str, Any] = {}
    origins: dict[yamlio.KeyPath, tuple[str, yamlio.Position]] = {}
    for source, data, positions in reversed(layers):
        merged = _merge(merged, data)
        origins |= {path: (_shown(source, root), at) for path, at in positions.items()}
    return merged, origins, tuple(layer[0] for layer in layers)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge key by key, anything else replaces; null removes the key."""
    made = dict(base)
    for key, value in over.items():
        if value is None and key in base:
            made.pop(key)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = _merge(made[key], value)
        else:
            made[key] = value
    return made


def _paths(data: Any, above: yamlio.KeyPath = ()) -> Iterator[yamlio.KeyPath]:
    """Every key path of nested mappings."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*above, key)
            yield from _paths(value, (*above, key))


def _with_year_keys(data: Any) -> Any:
    """YAML keys arrive as text; mappings by year get whole numbers as keys."""
    if not isinstance(data, dict):
        return data
    if data and all(isinstance(k, str) and len(k) == 4 and k.isdigit() for k in data):
        return {int(k): v for k, v in data.items()}
    return {k: _with_year_keys(v) for k, v in data.items()}


#: Endings of tables that a scenario may name.
TABLES = (".csv", ".xlsx", ".xls", ".xlsb", ".ods")
FILE_KEYS = (
    ("debt", ("ledger", "sources", "quotas", "bonds", "claims", "limits", "custom")),
    ("commissions", ("receipts", "relations", "payments")),
)


def _data_files(
    data: dict[str, Any],
    file: Path,
    root: Path,
    origins: Origins,
    shown: str,
    found: Collector,
) -> dict[str, Path]:
    files: dict[str, Path] = {}
    named = [(part, key) for part, keys in FILE_KEYS for key in keys]
    revenue = data.get("revenue")
    nowcast = revenue.get("nowcast") if isinstance(revenue, dict) else None
    for part, section in (("revenue", revenue), ("revenue.nowcast", nowcast)):
        series = section.get("series") if isinstance(section, dict) else None
        if isinstance(series, str) and Path(series).suffix.lower() in TABLES:
            named.append((part, "series"))
    for part, key in named:
        section = nowcast if part == "revenue.nowcast" else data.get(part)
        value = section.get(key) if isinstance(section, dict) else None
        if not isinstance(value, str):
            continue
        where = f"{_place(origins, (*part.split('.'), key), shown)}: {part}.{key}"
        try:
            files[f"{part}.{key}"] = resolve_data(value, file.parent, root, where=where)
        except InputError as error:
            found.extend(error)
    return files


def resolve_data(value: str, beside: Path, root: Path, *, where: str) -> Path:
    """A data file named in a scenario: beside the scenario, or in the project.

    Raises
    ------
    InputError
        If it is absolute, leaves both folders, or does not exist.
    """
    if Path(value).is_absolute() or "\\" in value:
        raise InputError(where, "scenario.file_not_relative", path=value)
    places = [
        root,
        *([beside] if root not in beside.parents else [root / beside.relative_to(root)]),
    ]
    for folder in places:
        target = (folder / value).resolve()
        fence = root if root in target.parents else beside
        if fence in target.parents and target.is_file():
            return target
    inside(root, value, where=where)
    near = did_you_mean(value, [f"data/{p.name}" for p in (root / "data").glob("*.csv")])
    raise InputError(where, "scenario.file_missing", near, path=value)


def _identity(file: Path, root: Path, spec: ScenarioSpec) -> str:
    home = root / "params" / "scenarios"
    parts = file.relative_to(home).with_suffix("").parts if home in file.parents else ()
    return "/".join(safe_name(p) for p in parts or (spec.region, file.stem))


def _place(origins: Origins, path: yamlio.KeyPath, shown: str) -> str:
    for end in range(len(path), -1, -1):
        if path[:end] in origins:
            name, at = origins[path[:end]]
            return f"{name}:{at.line}:{at.column}"
    return shown


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if root in file.parents else str(file)
