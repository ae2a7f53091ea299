"""`batch-assets dev`: the sandbox, pictures in it, and Dagster's web UI against it, in one terminal."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from batch_assets.automation.job_names import PLAN_AND_SUBMIT
from batch_assets.cli.clients import Clients
from batch_assets.cli.dagster_process import DagsterDev, DagsterError, end_on_signals, free_port, prepare_home
from batch_assets.cli.fault_rules import FaultsOption, checked_rules
from batch_assets.cli.gallery_server import GalleryServer
from batch_assets.cli.local_world import STAND_IN, LocalWorld, clean_environment, complete_days, shell_exports
from batch_assets.cli.ports import require_free
from batch_assets.cli.sandbox import SPEED, require_installed
from batch_assets.settings import load_settings

DAYS = 5
_WHAT_TO_DO = "Launch a partition with Materialize all…; the sensor loads it. Ctrl-C ends everything.\n"


def command(
    *,
    port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Port of the web UI; 0 picks a free one.")
    ] = 3000,
    speed: Annotated[
        float, typer.Option(metavar="NUMBER", min=0, help="Seconds of a job's clock in one real second.")
    ] = SPEED,
    sandbox_port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Port of the sandbox; 0 picks a free one.")
    ] = 0,
    gallery_port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Port of the search page; 0 picks a free one.")
    ] = 0,
    faults: FaultsOption = None,
) -> None:
    """Start Dagster's web UI against a sandbox with pictures.

    The search page comes with it. Ctrl-C ends everything, and everything is gone then: the services and the Dagster
    instance are one disposable world.

    Example: batch-assets dev --port 3000
    """
    require_installed()
    rules = checked_rules(faults)
    require_free(port, option="--port")
    require_free(sandbox_port, option="--sandbox-port")
    require_free(gallery_port, option="--gallery-port")
    from batch_assets.sandbox.demo_pictures import demo_objects  # noqa: PLC0415 needs Pillow only here
    from batch_assets.sandbox.server import start  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    end_on_signals()
    with tempfile.TemporaryDirectory(prefix="batch-assets-dev-") as folder, start(sandbox_port, speed=speed) as sandbox:
        world = LocalWorld(sandbox, complete_days(DAYS))
        objects = world.seed(demo_objects(world.prefixes))
        sandbox.add_faults(rules)
        home = Path(folder)
        prepare_home(home)
        exports = home / "environment"
        exports.write_text(shell_exports(world.environment()) + "\n", encoding="utf-8")
        environment = clean_environment(os.environ, world.environment())
        os.environ.clear()
        os.environ.update(environment)
        dagster = DagsterDev(home, environment, port or free_port())
        clients = Clients(load_settings(_env_file=None))
        gallery = GalleryServer.of(clients, port=gallery_port, dagster_url=dagster.url, note=STAND_IN)
        with gallery, dagster:
            dagster.wait_until_ready()
            gallery.start()
            try:
                console.print(f"\n[bold]Dagster[/]   {dagster.url}/asset-groups")
                console.print(f"[bold]Launch[/]    {dagster.url}/locations/batch_assets/jobs/{PLAN_AND_SUBMIT}")
                console.print(f"[bold]Search[/]    {gallery.url}")
                console.print(f"[bold]Sandbox[/]   {sandbox.endpoint_url} with {objects} objects in {DAYS} days")
                console.print(f"[bold]Commands[/]  in another terminal: source {exports}")
                console.print(STAND_IN)
                console.print(_WHAT_TO_DO)
                code = dagster.wait()
            except KeyboardInterrupt:
                console.print("\nEnding …")
            else:
                raise DagsterError(f"dagster dev ended by itself with code {code}: see its output above")
