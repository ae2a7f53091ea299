"""The endpoints under ``/_local/``: health, clock, fault rules, calls and their permissions, objects, what there is."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from batch_assets.sandbox.bedrock.job import Job
from batch_assets.sandbox.s3_store import spool
from batch_assets.sandbox.world import World

PREFIX = "/_local/"


def create_control_app(world: World) -> Starlette:
    """Build the application that people and tests steer a sandbox with."""
    control = _Control(world)
    return Starlette(
        routes=[
            Route(f"{PREFIX}health", control.health),
            Route(f"{PREFIX}clock", control.read_clock, methods=["GET"]),
            Route(f"{PREFIX}clock", control.change_clock, methods=["POST"]),
            Route(f"{PREFIX}faults", control.read_faults, methods=["GET"]),
            Route(f"{PREFIX}faults", control.add_faults, methods=["POST"]),
            Route(f"{PREFIX}faults", control.clear_faults, methods=["DELETE"]),
            Route(f"{PREFIX}calls", control.read_calls, methods=["GET"]),
            Route(f"{PREFIX}calls", control.reset_calls, methods=["DELETE"]),
            Route(f"{PREFIX}access", control.read_access, methods=["GET"]),
            Route(f"{PREFIX}access", control.reset_access, methods=["DELETE"]),
            Route(f"{PREFIX}state", control.state),
            Route(f"{PREFIX}objects/{{bucket}}", control.put_objects, methods=["POST"]),
        ]
    )


class _Control:
    def __init__(self, world: World) -> None:
        self._world = world

    async def health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def read_clock(self, _: Request) -> Response:
        return JSONResponse(_clock(self._world))

    async def change_clock(self, request: Request) -> Response:
        """Take ``speed``, ``advance_seconds`` or both."""
        try:
            change = await request.json()
            unknown = sorted(set(change) - {"speed", "advance_seconds"})
            if unknown:
                return _refused(f"unknown: {', '.join(unknown)}; give speed or advance_seconds")
            if "speed" in change:
                self._world.clock.set_speed(change["speed"])
            if "advance_seconds" in change:
                self._world.clock.advance(change["advance_seconds"])
        except (TypeError, ValueError) as error:
            return _refused(str(error))
        return JSONResponse(_clock(self._world))

    async def read_faults(self, _: Request) -> Response:
        return JSONResponse(self._world.faults.describe())

    async def add_faults(self, request: Request) -> Response:
        """Take a rule or a list of rules, added to those in force."""
        try:
            self._world.faults.add(await request.json())
        except ValueError as error:
            return _refused(str(error))
        return JSONResponse(self._world.faults.describe())

    async def clear_faults(self, _: Request) -> Response:
        self._world.faults.clear()
        return JSONResponse([])

    async def read_calls(self, _: Request) -> Response:
        return JSONResponse(self._world.calls.describe())

    async def reset_calls(self, _: Request) -> Response:
        self._world.calls.reset()
        return JSONResponse({})

    async def read_access(self, _: Request) -> Response:
        return JSONResponse(self._world.access.describe())

    async def reset_access(self, _: Request) -> Response:
        self._world.access.reset()
        return JSONResponse({})

    async def put_objects(self, request: Request) -> Response:
        """Take objects by their keys, in base64; no call of S3 is counted, disturbed or judged."""
        bucket = request.path_params["bucket"]
        if not self._world.store.has_bucket(bucket):
            return _refused(f"there is no bucket {bucket}")
        try:
            contents = {key: b64decode(text, validate=True) for key, text in (await request.json()).items()}
        except (AttributeError, TypeError, ValueError) as error:
            return _refused(f"give an object of keys and their bytes in base64: {error}")
        await run_in_threadpool(self._store_objects, bucket, contents)
        return JSONResponse({"objects": len(contents)})

    def _store_objects(self, bucket: str, contents: Mapping[str, bytes]) -> None:
        for key, content in contents.items():
            file = spool()
            file.write(content)
            self._world.store.put(bucket, key, file)

    async def state(self, _: Request) -> Response:
        return JSONResponse(_state(self._world))


def _clock(world: World) -> dict[str, Any]:
    return {"now": world.clock.now().isoformat(), "speed": world.clock.speed}


def _state(world: World) -> dict[str, Any]:
    now = world.clock.now()
    jobs = [_job(job, now) for job in world.jobs()]
    return {
        "clock": _clock(world),
        "buckets": {name: sum(1 for _ in world.store.keys(name)) for name in world.store.bucket_names()},
        "jobs": jobs,
        "records_embedded": sum(job["records_embedded"] for job in jobs),
    }


def _job(job: Job, now: datetime) -> dict[str, Any]:
    """Describe a job with its true counters: those of the API lag, as they do in the cloud."""
    counts = job.true_counts(now)
    return {
        "arn": job.arn,
        "name": job.name,
        "status": job.status(now),
        "records_total": counts.total,
        "records_embedded": counts.success,
        "records_refused": counts.error,
    }


def _refused(message: str) -> Response:
    return JSONResponse({"message": message}, status_code=400)
