"""``fiscalmodel export``."""

from __future__ import annotations

from pathlib import Path

import click

from fiscalmodel.cli import Command, scenario_paths

FORMATS = ("docx", "pdf", "xlsx", "html")


@click.command("export", cls=Command)
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO.yaml...")
@click.option("--to", "formats", default="docx,pdf")
@click.option("--out", default="reports")
@click.option("--public", is_flag=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh")
def export(scenarios: tuple[str, ...], formats: str, out: str, public: bool, lang: str) -> int:
    """Write reports as Word, PDF, Excel or a page."""
    from fiscalmodel.errors import InputError, did_you_mean, known_names
    from fiscalmodel.run.export import export_reports
    from fiscalmodel.words import say

    wanted = list(dict.fromkeys(part.strip() for part in formats.split(",") if part.strip()))
    for name in wanted:
        if name not in FORMATS:
            hint = did_you_mean(name, FORMATS) or known_names(FORMATS)
            raise InputError("--to", "run.unknown_format", hint, name=name)
    # Beside the internal reports and never among them.
    folder = Path(f"{out}-public" if public else out)
    files, results = export_reports(
        scenario_paths(scenarios), wanted, folder, lang=lang, public=public
    )
    for path in files:
        click.echo(str(path))
    for failed in results.failed:
        click.echo(say("ground.error", problem=failed), err=True)
    return results.exit_code
