"""``fiscalmodel check`` and ``fiscalmodel template``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fiscalmodel.cli import Command, scenario_paths
from fiscalmodel.findings import Finding
from fiscalmodel.words import label, language, official_words, say

if TYPE_CHECKING:
    from fiscalmodel.scenario.outcome import Outcome

#: Kinds of templates, as `series.templates.templates` knows them.
KINDS = (
    "revenue", "monthly", "budget", "debt", "funding", "quotas", "bonds", "limits", "claims",
    "receipts", "payments",
)  # fmt: skip


#: Parts that a county hardly does without.
MAIN = ("revenue", "balance", "debt")


@click.command("check", cls=Command)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--strict", is_flag=True)
@click.option("--most", default=15)
def check(paths: tuple[str, ...], strict: bool, most: int) -> int:
    """Check scenarios, data and policy parameters; run nothing."""
    from fiscalmodel import policy
    from fiscalmodel.checks.reconcile import RULES, reconcile, rule_name
    from fiscalmodel.errors import Collector
    from fiscalmodel.paths import project_root
    from fiscalmodel.run.report import ask_first, evaluate_all, load_all, users_of
    from fiscalmodel.scenario.data import TABLES
    from fiscalmodel.series import catalog

    for lock in (p for p in paths if Path(p).name.startswith("~$")):
        click.echo(say("scenario.lock_skipped", file=lock))
    given = [p for p in paths if not Path(p).name.startswith("~$")]
    if paths and not given:
        return 0
    tables = [p for p in given if Path(p).suffix.lower() in TABLES]
    scenarios = [p for p in given if p not in tables]
    if scenarios or not given:
        loaded = load_all(scenario_paths(tuple(scenarios)))
    else:
        loaded = users_of([Path(t) for t in tables])
    findings: list[Finding] = []
    told: list[Finding] = []
    if loaded:
        found = Collector()
        with found.catch():  # questions and errors of all files at once
            ask_first(loaded)
        outcomes: list[Outcome] = found.attempt(lambda: evaluate_all(loaded), [])
        found.raise_if_any()
        click.echo(say("scenario.all_in_order", count=len(loaded)))
        for outcome in outcomes if given else ():
            _told_of(outcome)
        # Accounts that do not close or meet are wrong inputs; what other parts find are results.
        closed = [o.budgets for o in outcomes if o.budgets is not None]
        findings += [f for part in closed for f in part.found if f.severity == "error"]
        told = [f for o in outcomes for f in o.found] if scenarios else []
    if not given:
        click.echo(say("scenario.policy_in_order", count=len(policy.keys())))
        click.echo(say("scenario.series_there", count=len(catalog.names())))
    places = [Path(t) for t in tables] or ([project_root() / "data"] if not given else [])
    findings += [finding for place in places for finding in reconcile(place)]
    alone = [path for path in tables if not loaded or not users_of([Path(path)])]
    findings += [finding for path in alone for finding in _ledger(path)]
    wrong = bool(given) and any(finding.severity == "error" for finding in findings)
    findings += [finding for finding in told if finding not in findings]
    if tables or not given or findings:
        click.echo(say("scenario.findings", count=len(findings)))
        for finding in findings[:most]:
            severity = label(finding.severity, language(), "values")
            rule = f"{rule_name(finding.rule)} " if finding.rule in RULES else ""
            click.echo(f"  [{severity}] {rule}{_place(finding)}")
            values = {"stated": finding.stated, "computed": finding.computed}
            if None in values.values():  # not every finding is about two numbers
                click.echo(f"      {finding.said}")
            else:
                click.echo(f"      {say('scenario.finding', **values, said=finding.said)}")
        if len(findings) > most:
            left = len(findings) - most
            click.echo(f"  {say('scenario.more_findings', left=left, count=len(findings))}")
    if loaded and given and not wrong:
        what = "next_fill" if all(set(MAIN) <= set(o.reasons) for o in outcomes) else "next_run"
        shown = [s.file.relative_to(project_root(s.file.parent)).as_posix() for s in loaded]
        click.echo(say(f"scenario.{what}", program=program(), files=" ".join(shown)))
    # A guard must hear of a table that it was asked about; what a source printed wrongly, and
    # the project keeps as it is, stops nobody.
    return 1 if wrong or (strict and findings) else 0


def _told_of(outcome: Outcome) -> None:
    """What the main parts of a scenario lack, and what was read otherwise than it is headed."""
    from fiscalmodel.scenario.plausibility import remarks

    for part in MAIN:
        if part in outcome.reasons:
            name = say(f"scenario.part_{part}")
            told = say("scenario.compared", name=name, said=outcome.reasons[part])
            click.echo(f"  {outcome.scenario.id} {told}")
    for said in remarks(outcome.scenario):
        click.echo(f"  {said}")


def _ledger(path: str) -> tuple[Finding, ...]:
    """What a ledger of hidden debt that no scenario names tells; its errors are raised."""
    from fiscalmodel.debt.ledger import read_hidden_ledger
    from fiscalmodel.errors import Collector
    from fiscalmodel.tables.records import read_records
    from fiscalmodel.words import headers_in

    found = Collector()
    table = found.attempt(
        lambda: read_records(path, name=path, columns=headers_in("debt"), found=found), None
    )
    if table is None or not all(map(table.has, ("contract_id", "principal_wan", "rate_pct"))):
        return ()
    ledger = read_hidden_ledger(table, found=found)
    found.raise_if_any()
    return ledger.found


def _place(finding: Finding) -> str:
    """The cell that states the figure; for accounts level, year, version and budget in words."""
    if finding.cells:
        return str(finding.cells[0])
    groups = ("government_level", "version", "budget_scope")
    names = {c: n for group in groups for c, n in official_words(group, language()).items()}
    return " ".join(names.get(word, word) for word in finding.where.split())


@click.command("template", cls=Command)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh")
@click.option("--force", is_flag=True)
def template(kind: str, file: str | None, lang: str, force: bool) -> int:
    """Write an Excel template."""
    from fiscalmodel.errors import InputError
    from fiscalmodel.series.templates import write_template

    target = Path(file or f"template_{kind}.xlsx")
    if target.exists() and not force:
        raise InputError(target, "ground.exists_already")
    write_template(kind, target, lang=lang)
    click.echo(say("cli.wrote", file=target))
    return 0


def program() -> str:
    """This command as it was called, to be copied: ``.venv/bin/fiscalmodel``."""
    called = Path(sys.argv[0]).absolute()
    if called.stem != "fiscalmodel" or shutil.which("fiscalmodel") == str(called):
        return "fiscalmodel"
    here = Path.cwd()
    return str(called.relative_to(here) if here in called.parents else called)


@click.command("new", cls=Command)
@click.argument("name")
@click.argument("books", nargs=-1, metavar="[BOOK]...")
@click.option("--from", "first", multiple=True, metavar="BOOK")
@click.option("--key")
@click.option("--as-of")
@click.option("--years", type=int)
@click.option("--level")
def new(
    name: str, books: tuple[str, ...], first: tuple[str, ...], key: str | None,
    as_of: str | None, years: int | None, level: str | None,
) -> int:  # fmt: skip
    """Set up a county, filled with what its own workbooks give."""
    from fiscalmodel.scenario.county import new_county
    from fiscalmodel.scenario.given import given_only, names_of
    from fiscalmodel.scenario.load import load_scenario

    made = new_county(name, key=key, as_of=as_of, years=years, books=(*first, *books), level=level)
    click.echo(say("scenario.made_region", name=name, key=made.key))
    for said in made.said:
        click.echo(f"  {said}")
    if made.said:  # of a county from nothing everything is missing
        missing = names_of(given_only(load_scenario(made.scenario)).unfilled)
        click.echo(say("scenario.missing_sheets", names=missing))
    click.echo(say("scenario.made_book", file=made.shown(made.workbook)))
    for step in ("made_scenario", "made_run"):
        click.echo(say(f"scenario.{step}", program=program(), file=made.shown(made.scenario)))
    return 0
