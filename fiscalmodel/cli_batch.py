"""``fiscalmodel batch``, ``fiscalmodel notebooks`` and ``fiscalmodel recipe``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command("batch")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--out", default="reports", show_default=True, help="Folder, or s3://… and the like.")
@click.option("--workers", type=click.IntRange(1, 512), help="Notebooks at a time.")
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler; 'local' starts a cluster.")
@click.option("--retry", type=click.IntRange(0, 20), default=0, help="Run failed ones again.")
@click.option("--fail-fast", is_flag=True, help="Start nothing more after a failure.")
@click.option("--only-failed", is_flag=True, help="Only what failed the last time.")
@click.option("--timeout", help="Deadline for a whole notebook, as 90s, 2min, 1h.")
@click.option("--memory", help="Limit for a notebook's kernel, as 500M, 2G.")
@click.option("--cold", is_flag=True, help="Ordinary kernels instead of forked ones.")
@click.option("--log-json", is_flag=True, help="One JSON object a line on standard output.")
def batch_command(
    plan: Path,
    scheduler: str | None,
    timeout: str | None,
    memory: str | None,
    cold: bool,
    **options: Any,
) -> int:
    """Run PLAN: regions × scenarios × notebooks.

    Each job leaves its notebook, its page and the workbook of its scenario. A second call does
    only what is missing or changed.
    """
    from fiscalmodel.run.batch import run_batch
    from fiscalmodel.run.job import parse_duration, parse_size
    from fiscalmodel.words import say

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


@click.command("notebooks")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--refresh", is_flag=True, help="Re-execute, show what changes, write.")
@click.option("--yes", is_flag=True, help="With --refresh: write without asking.")
def notebooks_command(paths: tuple[Path, ...], refresh: bool, yes: bool) -> int:
    """Re-execute notebooks and show which numbers differ.

    Without --refresh nothing is written, and a difference is exit code 1.
    """
    from fiscalmodel.check_notebooks.refresh import refresh as refresh_notebooks
    from fiscalmodel.words import say

    def ask(result: Any) -> bool:
        return yes or click.confirm(str(say("run.write", name=result.id)), default=True)

    results = refresh_notebooks(
        paths or None, write=refresh, confirm=ask, say=lambda text: click.echo(text)
    )
    if not all(result.ok for result in results):
        return 1
    return 0 if refresh or not any(result.notes for result in results) else 1


@click.command("recipe")
@click.argument("kind", type=click.Choice(["slurm", "kubernetes", "airflow"]))
@click.argument("plan")
@click.option("--out", default="reports", show_default=True, help="Folder or address of results.")
@click.option("--workers", type=click.IntRange(1, 10_000), default=8, show_default=True)
@click.option("--memory", default="4G", show_default=True, help="Memory of each worker.")
@click.option("--image", default="fiscalmodel:latest", show_default=True, help="Container image.")
def recipe_command(kind: str, plan: str, out: str, workers: int, memory: str, image: str) -> None:
    """Print what runs PLAN on a cluster: a Slurm job, Kubernetes objects or an Airflow DAG."""
    from fiscalmodel.run.recipes import recipe

    click.echo(recipe(kind, plan, out=out, workers=workers, memory=memory, image=image), nl=False)
