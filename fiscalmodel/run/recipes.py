"""What runs a plan on a cluster, as text to look at, change and submit."""

from __future__ import annotations

import json
import shlex

from fiscalmodel.run.job import MB, parse_size

_SLURM = """\
#!/bin/bash
#SBATCH --job-name=fiscalmodel
#SBATCH --ntasks={tasks}
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu={memory}M
#SBATCH --time=04:00:00
# Submit from the project's folder, on a file system that all nodes share: sbatch FILE
# The first task is the Dask scheduler, the last the batch, those between are workers.
set -eu
export FISCALMODEL_PROJECT="$PWD"
file="$PWD/.dask-$SLURM_JOB_ID.json"
trap 'rm -f "$file"' EXIT
srun --ntasks=1 --exact dask scheduler --scheduler-file "$file" &
srun --ntasks={workers} --exact dask worker --scheduler-file "$file" --nthreads 1 --no-dashboard &
for _ in $(seq 120); do [ -s "$file" ] && break; sleep 1; done
address=$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["address"])' "$file")
srun --ntasks=1 --exact fiscalmodel batch {plan} --out {out} --scheduler "$address" --log-json
"""

_AIRFLOW = '''\
"""An Airflow DAG that runs the plan each month; a run that failed does only what is missing."""

import datetime as dt

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="fiscalmodel",
    schedule="0 6 5 * *",
    start_date=dt.datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={{"retries": 2, "retry_delay": dt.timedelta(minutes=10)}},
) as dag:
    check = BashOperator(task_id="check", bash_command="fiscalmodel check")
    batch = BashOperator(
        task_id="batch",
        bash_command={command!r},
    )
    check >> batch
'''


def recipe(
    kind: str, plan: str, *, out: str, workers: int = 8, memory: str = "4G", image: str = ""
) -> str:
    """A Slurm job, Kubernetes objects or an Airflow DAG that runs a plan.

    Parameters
    ----------
    kind
        ``slurm``, ``kubernetes`` or ``airflow``.
    plan, out
        Plan file, and the folder or address that all machines reach.
    workers, memory
        Dask workers, each the client of one notebook at a time, and the memory of each.
    image
        Container image with the project in its working directory (Kubernetes).

    Raises
    ------
    InputError
        If the memory is no size.
    """
    size = parse_size(memory, where="--memory")
    if kind == "slurm":
        return _SLURM.format(
            tasks=workers + 2,
            workers=workers,
            memory=max(1, size // MB),
            plan=shlex.quote(plan),
            out=shlex.quote(out),
        )
    if kind == "airflow":
        words = ["fiscalmodel", "batch", plan, "--out", out, "--workers", str(workers)]
        return _AIRFLOW.format(command=shlex.join(words))
    scheduler = "tcp://fiscalmodel-scheduler:8786"
    batch = ["fiscalmodel", "batch", plan, "--out", out, "--scheduler", scheduler, "--log-json"]
    worker = ["dask", "worker", scheduler, "--nthreads", "1", "--no-dashboard"]
    ports = [{"port": 8786, "targetPort": 8786}]
    service = {"selector": {"app": "fiscalmodel-scheduler"}, "ports": ports}
    container = {"name": "batch", "image": image, "command": batch}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    objects = [
        _object("Service", "scheduler", service),
        _deployment("scheduler", ["dask", "scheduler", "--port", "8786"], 1, MB * 1024, image),
        _deployment("worker", worker, workers, size, image),
        # A pod that failed starts again, and does only what is missing.
        _object("Job", "batch", {"backoffLimit": 3, "template": pod}, "batch/v1"),
    ]
    # JSON is YAML, and nothing has to be escaped by hand; `kubectl apply -f` takes a list.
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=2) + "\n"


def _object(kind: str, name: str, spec: object, api: str = "v1") -> dict[str, object]:
    metadata = {"name": f"fiscalmodel-{name}", "labels": {"app": f"fiscalmodel-{name}"}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def _deployment(
    role: str, command: list[str], replicas: int, memory: int, image: str
) -> dict[str, object]:
    labels = {"app": f"fiscalmodel-{role}"}
    resources = {"requests": {"cpu": "1"}, "limits": {"memory": str(memory)}}
    container = {"name": role, "image": image, "command": command, "resources": resources}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return _object("Deployment", role, spec, "apps/v1")
