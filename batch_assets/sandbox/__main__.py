"""``python -m batch_assets.sandbox``: serve a sandbox until interrupted."""

import argparse
import sys
from dataclasses import fields

from batch_assets.sandbox.config import JobSchedule, SandboxConfig
from batch_assets.sandbox.server import HOST, serve


def main() -> None:
    """Read the options and serve."""
    defaults = SandboxConfig()
    parser = argparse.ArgumentParser(prog="python -m batch_assets.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 picks a free one")
    parser.add_argument("--speed", type=float, default=defaults.speed, help="virtual seconds per second")
    parser.add_argument("--max-live-jobs", type=int, default=defaults.max_live_jobs)
    parser.add_argument("--embedding-workers", type=int, default=defaults.embedding_workers)
    for knob in fields(JobSchedule):
        parser.add_argument(
            _flag(knob.name), type=float, default=knob.default, help="virtual, after a job's submission"
        )
    parser.add_argument(
        "--enforce-policies", action="store_true", help="refuse what the caller's policies do not allow"
    )
    parser.add_argument("--record-access", action="store_true", help="keep what calls ask IAM for")
    parser.add_argument("--child", action="store_true", help="print only the port, and end when standard input does")
    options = parser.parse_args()

    def announce(port: int) -> None:
        text = str(port) if options.child else f"http://{HOST}:{port}"
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    config = SandboxConfig(
        speed=options.speed,
        max_live_jobs=options.max_live_jobs,
        embedding_workers=options.embedding_workers,
        schedule=JobSchedule(**{knob.name: getattr(options, knob.name) for knob in fields(JobSchedule)}),
        enforce_policies=options.enforce_policies,
        record_access=options.record_access,
    )
    serve(options.port, config=config, announce=announce, until_stdin_ends=options.child)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


if __name__ == "__main__":
    main()
