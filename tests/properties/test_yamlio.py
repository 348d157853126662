"""Any text is data or one clear error; what was written comes back."""

from __future__ import annotations

import datetime as dt

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fiscalmodel.errors import InputError, Problem
from fiscalmodel.yamlio import parse_yaml

KEYS = st.text("abcdef_", min_size=1, max_size=8).filter(lambda key: key.lower() != "null")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.dates(dt.date(1949, 10, 1), dt.date(2100, 12, 31))
    | st.text("江汉区abc 0123456789.:-#'\"", max_size=12)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # The older rules of the dumper leave some texts bare that are numbers here.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")


_NoAliases.add_representer(str, _quoted)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5))
def test_what_was_written_comes_back(data: dict[str, object]) -> None:
    text = yaml.dump(data, Dumper=_NoAliases, allow_unicode=True, sort_keys=False)
    again, positions = parse_yaml(text)
    assert again == data
    assert set(data) <= {path[0] for path in positions if len(path) == 1}


@given(st.text(max_size=200) | st.text("{}[]:,-&*!|>'\"#%@`? \n\tab01", max_size=80))
@example("[" * 10_000)
@example("{a: " * 10_000)
@example("- " * 5_000)
@example("? ? ? a")
@example("a: &a [*a]")
@example("%YAML 9.9\n--- a")
@example("\ud800")
def test_any_text_is_data_or_one_clear_error(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        parse_yaml(text, name="a.yaml")
    except InputError as error:
        problems = error.problems
    assert all(problem.where.startswith("a.yaml") for problem in problems)
