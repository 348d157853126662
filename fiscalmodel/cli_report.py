"""``fiscalmodel run`` and ``fiscalmodel compare``."""

from __future__ import annotations

import sys
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
def run(scenarios: tuple[str, ...], out: str, lang: str, strict: bool, cold: bool) -> int:
    """Make the report of each SCENARIO.yaml (all of the project's unless named).

    Leaves index.html and, for each scenario, an HTML report, an Excel workbook and the
    executed notebook. All files are checked before anything runs.
    """
    from tqdm import tqdm

    from fiscalmodel.run.report import ReportResult, evaluate_all, load_all, run_reports

    loaded = evaluate_all(load_all(scenario_paths(scenarios)))
    on_terminal = sys.stderr.isatty()
    bar = tqdm(total=len(loaded), unit="report", disable=not on_terminal)

    def done(result: ReportResult) -> None:
        state = "done" if result.ok else "FAILED"
        line = f"{result.scenario.id}: {state} ({result.seconds:.1f} s)"
        if on_terminal:
            bar.update()
            bar.write(line)
        else:
            click.echo(line)
        if not result.ok:
            click.echo(f"  {result.error}", err=True)

    with bar:
        results = run_reports(
            loaded, out=out, lang=lang, kernel="cold" if cold else "warm", on_done=done
        )
    failed = sum(not result.ok for result in results)
    click.echo(f"{len(results) - failed} of {len(results)} reports: {Path(out) / 'index.html'}")
    infeasible = strict and any(not result.feasible for result in results)
    return 1 if failed or infeasible else 0


@click.command()
@click.argument("scenarios", nargs=-1, metavar="SCENARIO.yaml...")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False), help="Write the table here.")
@LANG
def compare(scenarios: tuple[str, ...], csv_file: str | None, lang: str) -> int:
    """Show the scenarios' main figures side by side, and what their files say differently."""
    from fiscalmodel.display import TableView
    from fiscalmodel.run.execute import write_whole
    from fiscalmodel.run.report import evaluate_all, load_all
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
