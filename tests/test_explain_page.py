"""The figures of a page: each is set to the figure it shows, and none is guessed."""

import json
import re
from functools import cache

import executed_reports
import pytest
from rebuild import Book

import fiscalmodel as fm
from fiscalmodel.present.figures import link, with_script
from fiscalmodel.present.page import notebook_page, report_head
from fiscalmodel.run.report import default_scenarios

SAMPLE = "params/scenarios/sample_county/pessimistic.yaml"


@cache
def data():
    return json.loads(fm.explain(executed_reports.evaluated(SAMPLE)).json())


def table(*rows, caption="单位：万元", heads=("年份", "可用于化债")):
    head = "".join(f"<th>{h}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f"<html><body><main><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></main></body></html>"
    )


def value(name):
    return data()["nodes"][name]["value"]


def test_a_cell_is_set_to_the_figure_of_its_row_and_column():
    years = (2026, 2027, 2028)
    left = {y: value(f"balance.available_wan[{y}]") for y in years}
    rows = [(str(y), f"{left[y]:,.0f}") for y in years]
    made = link(table(*rows), data())
    assert made.found == [f"balance.available_wan[{y}]" for y in years]
    assert not made.missing
    # The same in 亿元, and its sum in the row below, which is the table's own.
    rows = [(str(y), f"{left[y] / 1e4:.2f}") for y in years]
    made = link(
        table(*rows, ("合计", f"{sum(left.values()) / 1e4:.2f}"), caption="单位：亿元"), data()
    )
    assert made.found[:3] == [f"balance.available_wan[{y}]" for y in years]
    assert not made.missing


def test_what_a_table_works_out_becomes_a_figure_that_can_be_rebuilt():
    first, second = value("balance.available_wan[2026]"), value("debt.repaid_wan[2026]")
    page = table(
        ("2026", f"{first:,.2f}", f"{second:,.2f}", f"{first - second:,.2f}"),
        heads=("年份", "可用于化债", "偿还", "差额"),
    )
    made = link(page, data())
    assert len(made.found) == 3
    assert made.data["nodes"][made.found[2]]["formula"] in ("gap", "closing", "kept_or_lapsed")
    assert not Book(json.dumps(made.data)).report()["wrong"]


def test_a_figure_that_is_nowhere_is_told():
    made = link(table(("2026", "123,456,789")), data())
    assert made.found == []
    assert "123,456,789" in made.missing[0]


@pytest.mark.parametrize(
    "text", ["2028年11月20日", "截至2026-01-01", "80%区间", "共3笔", "第5项", "文号〔2018〕35号"]
)
def test_days_counts_and_levels_are_no_figures(text):
    made = link(f"<html><body><main><p>{text}</p></main></body></html>", data())
    assert made.found == made.missing == []


def test_texts_from_data_stay_text_in_the_page():
    evil = data() | {"nodes": dict(data()["nodes"])}
    name = "balance.available_wan[2026]"
    evil["nodes"][name] = evil["nodes"][name] | {
        "name": {"zh": "</script><script>alert(1)</script>", "en": "x"},
        "where": "<img src=x onerror=alert(1)>",
    }
    page = with_script(link(table(("2026", f"{value(name):,.2f}")), evil))
    assert page.count("<script") == 2
    assert "</script><script>alert" not in page
    assert not re.search(r"innerHTML|document\.write|https?://", page)


SCENARIOS = [f"{path.parent.name}/{path.stem}" for path in default_scenarios(executed_reports.ROOT)]
#: Looked at in every run; the others in the soak.
SOME = ("sample_county/pessimistic", "jianghan/baseline")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in SOME else pytest.mark.soak) for name in SCENARIOS
])  # fmt: skip
def test_every_figure_of_a_report_is_traced(name):
    file = executed_reports.ROOT / "params" / "scenarios" / f"{name}.yaml"
    case = fm.load_scenario(file)
    page = notebook_page(executed_reports.executed(file), report_head(case, "zh"))
    out = fm.evaluate(case)
    if out.plan is not None and out.plan.holds:
        assert len(out.plan.break_points)  # as the report's notebook asks for them
    book = json.loads(fm.explain(out).json())
    made = link(page, book)
    assert made.missing == []
    assert len(made.found) > 40
    # What the page itself adds up is rebuilt too.
    rebuilt = Book(json.dumps(made.data))
    assert not rebuilt.report()["wrong"]
    for node in set(made.found):
        assert all(rebuilt.nodes[leaf]["how"] for leaf in rebuilt.leaves(node))


def keyed(rows, heads, caption="单位：万元"):
    """A table as `show` writes it: keys of columns and rows, the number behind each text."""
    head = "".join(f'<th data-key="{key}">{text}</th>' for key, text in heads)
    body = "".join(
        f'<tr data-key="{key}"><td>{key}</td>'
        + "".join(f'<td data-v="{v:.15g}">{v:,.0f}</td>' for v in values)
        + "</tr>"
        for key, values in rows
    )
    return (
        f"<html><body><main><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></main></body></html>"
    )


def test_of_figures_of_one_value_the_one_with_the_cells_keys_is_named():
    years = (2026, 2027, 2028)
    same = data() | {"nodes": dict(data()["nodes"])}
    columns = ("money_wan", "needs_wan", "clearance_wan", "free_wan")
    for year in years:  # all of one value: by value and words alone each could be any other
        for column in columns:
            name = f"closed.{column}[{year}]"
            same["nodes"][name] = {**same["nodes"][name], "value": 12345.0}
    heads = [("year", "年份"), *((column, "金额") for column in columns[1:])]
    made = link(keyed([(str(y), [12345.0] * 3) for y in years], heads), same)
    assert made.found == [f"closed.{c}[{y}]" for y in years for c in columns[1:]]
    # Lying the other way: figures as rows under the years.
    heads = [("", "项目"), *((str(y), str(y)) for y in years)]
    made = link(keyed([(c, [12345.0] * 3) for c in columns[1:]], heads), same)
    assert made.found == [f"closed.{c}[{y}]" for c in columns[1:] for y in years]


def test_a_figure_near_in_value_is_no_match_for_the_number_behind_a_text():
    name = "balance.available_wan[2026]"
    rows = [("2026", [value(name) + 0.2])]  # rounds to the same text
    made = link(keyed(rows, [("year", "年份"), ("need_total_wan", "支出需求合计")]), data())
    assert f"{value(name) + 0.2:,.0f}" == f"{value(name):,.0f}"
    assert made.found == []


def test_the_same_page_has_the_same_bytes():
    name = "balance.available_wan[2026]"
    made = link(table(("2026", f"{value(name):,.2f}")), data())
    carried = re.search(r'"hows":(\{[^}]*\})', with_script(made))
    assert carried is not None
    hows = list(json.loads(carried[1]))
    assert len(hows) > 1
    assert hows == sorted(hows)  # not in the order of a set, which is another in each process
