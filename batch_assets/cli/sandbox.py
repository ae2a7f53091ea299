"""`batch-assets sandbox`: S3, IAM, STS, Bedrock, S3 Vectors, EventBridge, SQS and SNS on this machine."""

import json
from importlib.util import find_spec
from typing import Annotated

import typer

from batch_assets.cli.dagster_process import end_on_signals
from batch_assets.cli.fault_rules import FaultsOption, checked_rules
from batch_assets.cli.local_world import shell_exports
from batch_assets.cli.ports import require_free
from batch_assets.errors import BatchAssetsError

SPEED = 120.0
_MODULES = ("a2wsgi", "flask", "flask_cors", "moto", "starlette", "uvicorn")


def command(
    *,
    port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Loopback port; 0 picks a free one.")
    ] = 0,
    speed: Annotated[
        float, typer.Option(metavar="NUMBER", min=0, help="Seconds of a job's clock in one real second.")
    ] = SPEED,
    max_live_jobs: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, help="Quota of live batch jobs a model.")
    ] = 100,
    faults: FaultsOption = None,
    enforce_iam: Annotated[
        bool, typer.Option("--enforce-iam", help="Refuse what the caller's IAM policies do not allow.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name besides those of loopback that it is reached by; may be repeated."),
    ] = None,
    env: Annotated[bool, typer.Option("--env", help="Print export lines for a shell instead of the address.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: address and environment.")] = False,
) -> None:
    """Serve stand-ins for the AWS services on this machine.

    S3, IAM, STS, Bedrock, S3 Vectors, EventBridge, SQS and SNS on one loopback port, until Ctrl-C. Every start is an
    empty world. Vectors come from a colour and texture descriptor that stands in for the model: pictures that look
    alike are near, colour words are understood, meaning is not.

    Example: batch-assets sandbox --port 4566 --env
    """
    end_on_signals()
    require_installed()
    rules = checked_rules(faults)
    require_free(port, option="--port")
    # Heavy, and only wanted here.
    from batch_assets.sandbox.config import SandboxConfig  # noqa: PLC0415
    from batch_assets.sandbox.server import HOST, environment_of, serve  # noqa: PLC0415

    def announce(bound: int) -> None:
        url = f"http://{HOST}:{bound}"
        if as_json:
            typer.echo(json.dumps({"url": url, "environment": environment_of(url)}))
        else:
            typer.echo(shell_exports(environment_of(url)) if env else url)

    config = SandboxConfig(
        speed=speed,
        max_live_jobs=max_live_jobs,
        faults=rules,
        allowed_hosts=allowed_host or (),
        enforce_policies=enforce_iam,
    )
    serve(port, config=config, announce=announce)


def require_installed() -> None:
    """Refuse to start a sandbox without the packages that only it needs."""
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        raise BatchAssetsError(
            f"the sandbox needs packages that are not installed ({', '.join(missing)}): "
            "install this package as batch_assets[sandbox]"
        )
