"""`batch-assets sandbox`: S3, IAM, STS, Bedrock and S3 Vectors on this machine."""

from typing import Annotated

import typer

from batch_assets.cli.local_world import shell_exports

SPEED = 120.0


def command(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Loopback port; 0 picks a free one.")] = 0,
    speed: Annotated[float, typer.Option(min=0, help="Seconds of a job's clock in one real second.")] = SPEED,
    max_live_jobs: Annotated[int, typer.Option(min=1, help="Quota of live batch jobs a model.")] = 100,
    env: Annotated[bool, typer.Option("--env", help="Print export lines for a shell instead of the address.")] = False,
) -> None:
    """Serve S3, IAM, STS, Bedrock and S3 Vectors on loopback until interrupted. Every start is an empty world.

    Vectors come from a colour and texture descriptor that stands in for the model: pictures that look alike are near,
    colour words are understood, meaning is not.

    Example: batch-assets sandbox --port 4566 --env
    """
    # Heavy, and only wanted here.
    from batch_assets.sandbox.config import SandboxConfig  # noqa: PLC0415
    from batch_assets.sandbox.server import HOST, environment_of, serve  # noqa: PLC0415

    def announce(bound: int) -> None:
        url = f"http://{HOST}:{bound}"
        typer.echo(shell_exports(environment_of(url)) if env else url)

    try:
        serve(port, config=SandboxConfig(speed=speed, max_live_jobs=max_live_jobs), announce=announce)
    except OSError as error:
        raise typer.BadParameter(f"port {port} cannot be used: {error.strerror}") from error
