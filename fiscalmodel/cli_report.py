"""``fiscalmodel run`` and ``fiscalmodel compare``."""

from __future__ import annotations

from pathlib import Path

import click

from fiscalmodel.cli import scenario_paths

LANG = click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", help="Language.")


@click.command()
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO.yaml]...")
@click.option("--out", default="reports", show_default=True, help="Folder for the reports.")
@LANG
@click.option("--strict", is_flag=True, help="Exit 1 where a plan is infeasible.")
@click.option("--cold", is_flag=True, help="A new kernel for each report instead of forked ones.")
@click.option("--log-json", is_flag=True, help="One JSON object a line on standard output.")
def run(
    scenarios: tuple[str, ...], out: str, lang: str, strict: bool, cold: bool, log_json: bool
) -> int:
    """Make the report of each SCENARIO.yaml (all of the project's unless named).

    Leaves index.html and, for each scenario, an HTML report, an Excel workbook and the
    executed notebook. All files and data are checked before any report is made; what is done
    and unchanged is kept.
    """
    from fiscalmodel.run.batch import INDEX, run_batch
    from fiscalmodel.words import say

    results = run_batch(
        scenario_paths(scenarios),
        out=out,
        lang=lang,
        kernel="cold" if cold else "warm",
        log_json=log_json,
    )
    done = sum(result.ok for result in results.results)
    if results.interrupted:
        click.echo(say("run.do_the_rest"), err=True)
        return results.exit_code
    if done:
        total, index = len(results.results), Path(out) / INDEX
        click.echo(say("run.reports", done=done, total=total, index=index), err=log_json)
    infeasible = strict and any(not r.about.get("feasible", True) for r in results.results)
    return 1 if infeasible else results.exit_code


@click.command()
@click.argument("scenarios", nargs=-1, metavar="SCENARIO.yaml...")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False), help="Write the table here.")
@LANG
def compare(scenarios: tuple[str, ...], csv_file: str | None, lang: str) -> int:
    """Show the scenarios' main figures side by side, and what their files say differently."""
    from fiscalmodel.display import TableView
    from fiscalmodel.run.report import evaluate_all, load_all
    from fiscalmodel.run.storage import write_whole
    from fiscalmodel.scenario.compare import compare as compare_outcomes

    compared = compare_outcomes(evaluate_all(load_all(scenario_paths(scenarios))))
    if csv_file:
        from fiscalmodel.present.workbook import csv_bytes

        write_whole(Path(csv_file), csv_bytes(compared.table))
    for region in compared.by_region():
        click.echo(f"\n{region.region(lang)} ({', '.join(region.compared)})")
        click.echo(repr(TableView(region.in_words(lang), lang)))
        changes = region.changes(lang)
        if len(changes):
            click.echo(f"\n{TableView(changes, lang)!r}")
    return 0


@click.command()
@click.argument("scenario", metavar="SCENARIO.yaml")
@click.option("--out", type=click.Path(dir_okay=False), help="The page; reports/ID.whatif.html.")
@click.option("--more", default=0, show_default=True, help="Levels of a lattice of all sliders.")
@LANG
def whatif(scenario: str, out: str | None, more: int, lang: str) -> int:
    """Write a page on which the assumptions of SCENARIO.yaml are moved by sliders.

    It works without a network. Budgets are exact at every setting; clearance plans are shown
    for the settings that are solved here (some hundred; --more 3 solves every combination of
    three places of each slider too).
    """
    from fiscalmodel.present.whatif import what_if_page
    from fiscalmodel.scenario.load import load_scenario
    from fiscalmodel.scenario.whatif import what_if
    from fiscalmodel.words import say

    case = load_scenario(scenario)
    asked = what_if(case, more=more)
    file = what_if_page(asked, lang).save(out or f"reports/{case.id}.whatif.html")
    click.echo(asked.answer(lang))
    click.echo(say("run.what_if", file=file)(lang))
    return 0
