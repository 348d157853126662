"""``fiscalmodel batch``, ``fiscalmodel notebooks`` and ``fiscalmodel recipe``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fiscalmodel.cli import Command
from fiscalmodel.words import say


@click.command("batch", cls=Command)
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--out", default="reports")
@click.option("--workers", type=click.IntRange(1, 512))
@click.option("--scheduler")
@click.option("--retry", type=click.IntRange(0, 20), default=0)
@click.option("--fail-fast", is_flag=True)
@click.option("--only-failed", is_flag=True)
@click.option("--timeout")
@click.option("--memory")
@click.option("--cold", is_flag=True)
@click.option("--log-json", is_flag=True)
def batch_command(
    plan: Path,
    scheduler: str | None,
    timeout: str | None,
    memory: str | None,
    cold: bool,
    **options: Any,
) -> int:
    """Run a plan."""
    from fiscalmodel.run.batch import run_batch
    from fiscalmodel.run.job import parse_duration, parse_size

    result = run_batch(
        plan,
        scheduler=None if scheduler == "local" else scheduler,
        dask=scheduler == "local",
        timeout=parse_duration(timeout, where="--timeout") if timeout else None,
        memory=parse_size(memory, where="--memory") if memory else None,
        kernel="cold" if cold else "warm",
        **options,
    )
    click.echo(str(result), err=options["log_json"])
    for failed in result.failed:
        click.echo(say("run.failed_line", result=str(failed)), err=True)
    if result.interrupted:
        click.echo(say("run.do_the_rest"), err=True)
    return result.exit_code


@click.command("notebooks", cls=Command)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--refresh", is_flag=True)
@click.option("--yes", is_flag=True)
def notebooks_command(paths: tuple[Path, ...], refresh: bool, yes: bool) -> int:
    """Re-execute notebooks and show which numbers differ."""
    from fiscalmodel.check_notebooks.refresh import refresh as refresh_notebooks

    def ask(result: Any) -> bool:
        return yes or click.confirm(str(say("run.write", name=result.id)), default=True)

    results = refresh_notebooks(paths or None, write=refresh, confirm=ask, say=click.echo)
    if not all(result.ok for result in results):
        return 1
    return 0 if refresh or not any(result.notes for result in results) else 1


@click.command("recipe", cls=Command)
@click.argument("kind", type=click.Choice(["slurm", "kubernetes", "airflow"]))
@click.argument("plan")
@click.option("--out", default="reports")
@click.option("--workers", type=click.IntRange(1, 10_000), default=8)
@click.option("--memory", default="4G")
@click.option("--image", default="fiscalmodel:latest")
def recipe_command(kind: str, plan: str, **options: Any) -> None:
    """Print what runs a plan on a cluster."""
    from fiscalmodel.run.recipes import recipe

    click.echo(recipe(kind, plan, **options), nl=False)
