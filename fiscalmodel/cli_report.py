"""``fiscalmodel run``, ``compare`` and ``whatif``."""

from __future__ import annotations

from pathlib import Path

import click

from fiscalmodel.cli import Command, scenario_paths
from fiscalmodel.words import say

LANG = click.option("--lang", type=click.Choice(["zh", "en"]), default="zh")


@click.command("run", cls=Command)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO.yaml]...")
@click.option("--out", default="reports")
@LANG
@click.option("--strict", is_flag=True)
@click.option("--cold", is_flag=True)
@click.option("--log-json", is_flag=True)
def run(
    scenarios: tuple[str, ...], out: str, lang: str, strict: bool, cold: bool, log_json: bool
) -> int:
    """Make the reports of scenarios."""
    from fiscalmodel.run.batch import run_batch
    from fiscalmodel.run.report import INDEX

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


@click.command("compare", cls=Command)
@click.argument("scenarios", nargs=-1, metavar="SCENARIO.yaml...")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False))
@LANG
def compare(scenarios: tuple[str, ...], csv_file: str | None, lang: str) -> int:
    """Show the main figures of scenarios side by side."""
    from fiscalmodel.display import TableView
    from fiscalmodel.paths import write_whole
    from fiscalmodel.run.report import ask_first, evaluate_all, load_all
    from fiscalmodel.scenario.compare import compare as compare_outcomes

    loaded = load_all(scenario_paths(scenarios))
    ask_first(loaded)
    compared = compare_outcomes(evaluate_all(loaded))
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


@click.command("whatif", cls=Command)
@click.argument("scenario", metavar="SCENARIO.yaml")
@click.option("--out", "page", type=click.Path(dir_okay=False))
@click.option("--more", default=0)
@LANG
def whatif(scenario: str, page: str | None, more: int, lang: str) -> int:
    """Write the what-if page of a scenario."""
    from fiscalmodel.present.whatif import what_if_page
    from fiscalmodel.run.report import ask_first
    from fiscalmodel.scenario.load import load_scenario
    from fiscalmodel.scenario.whatif import what_if

    case = load_scenario(scenario)
    ask_first([case])
    asked = what_if(case, more=more)
    file = what_if_page(asked, lang).save(page or f"reports/{case.id}.whatif.html")
    click.echo(asked.answer(lang))
    click.echo(say("cli.wrote", file=file)(lang))
    return 0
