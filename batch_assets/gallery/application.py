"""The web application: addresses, and what they answer with.

Work that waits for AWS or decodes pictures runs in threads, so that a slow request holds up no other.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from batch_assets.errors import BatchAssetsError, SearchError
from batch_assets.gallery.about import About
from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.details import picture_details
from batch_assets.gallery.guard import Guard
from batch_assets.gallery.indexed_partitions import IndexedPartitions
from batch_assets.gallery.overviews import Overviews
from batch_assets.gallery.parameters import required, whole_number
from batch_assets.gallery.refusal import RequestError, wrong_input
from batch_assets.gallery.searching import Searching
from batch_assets.gallery.survey import Surveys
from batch_assets.gallery.thumbnails import EDGES, Thumbnails
from batch_assets.gallery.uploads import max_upload_bytes, query_of, received

_STATIC = Path(__file__).with_name("static")
_THUMBNAIL_SECONDS = 300
_VERSION_SECONDS = 3600

Explain = Callable[[BaseException], str]


def create_app(
    deployment: Deployment, *, host: str = "127.0.0.1", names: Iterable[str] = (), explain: Explain = str
) -> Starlette:
    """Build the application of one deployment.

    Args:
        deployment: What is shown.
        host: The address that the server listens on.
        names: Further names that it is reached by.
        explain: How an error of AWS is told to a person.
    """
    gallery = _Gallery(deployment)
    return Starlette(
        routes=[
            Route("/", gallery.page),
            Mount("/static", _RevalidatedFiles(directory=_STATIC)),
            Route("/api/about", gallery.about),
            Route("/api/search", gallery.search),
            Route("/api/thumbnail", gallery.thumbnail),
            Route("/api/picture", gallery.picture),
            Route("/api/uploads", gallery.upload, methods=["POST"]),
            Route("/api/near-duplicates", gallery.near_duplicates),
            Route("/api/map", gallery.map),
            Route("/api/map/points", gallery.map_points),
            Route("/api/map/pictures", gallery.map_pictures),
        ],
        lifespan=gallery.living,
        middleware=[Middleware(Guard, host=host, names=names)],
        exception_handlers={
            HTTPException: _http_error,
            ClientDisconnect: _gone,
            BatchAssetsError: _told_by(explain),
            ClientError: _told_by(explain),
            BotoCoreError: _told_by(explain),
            Exception: _unforeseen,
        },
    )


class _RevalidatedFiles(StaticFiles):
    """A browser asks each time whether a file has changed: parts of two versions do not fit together."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class _Gallery:
    """One method for each address; those that are no coroutines run in threads."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._partitions = IndexedPartitions(deployment)
        self._about = About(deployment, self._partitions)
        self._searching = Searching(deployment, self._partitions)
        self._thumbnails = Thumbnails(deployment)
        self._surveys = Surveys(deployment, self._partitions)
        self._overviews = Overviews(self._surveys, self._partitions)

    @asynccontextmanager
    async def living(self, _app: Starlette) -> AsyncIterator[None]:
        """What is made behind the requests ends with the server."""
        yield
        await run_in_threadpool(self._surveys.close)

    def page(self, _request: Request) -> Response:
        return FileResponse(_STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    def about(self, _request: Request) -> Response:
        return _json(self._about.answer())

    def search(self, request: Request) -> Response:
        return _json(self._searching.answer(request.query_params))

    def picture(self, request: Request) -> Response:
        return _json(picture_details(self._deployment, required(request.query_params, "key")))

    def thumbnail(self, request: Request) -> Response:
        key = self._deployment.shown_key(required(request.query_params, "key"))
        edge_pixels = whole_number(request.query_params, "edge", EDGES[1])
        if edge_pixels not in EDGES:
            raise wrong_input(f"edge={edge_pixels}: there are {', '.join(map(str, EDGES))}")
        found = self._thumbnails.get(key, edge_pixels)
        headers = {"ETag": found.etag, "Cache-Control": f"private, max-age={_THUMBNAIL_SECONDS}"}
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(found.jpeg, media_type="image/jpeg", headers=headers)

    def near_duplicates(self, request: Request) -> Response:
        return _json(self._overviews.near_duplicates(request.query_params))

    def map(self, _request: Request) -> Response:
        return _json(self._overviews.map())

    def map_points(self, request: Request) -> Response:
        points = self._overviews.points(request.query_params)
        headers = {"Cache-Control": f"private, max-age={_VERSION_SECONDS}"}
        return Response(points, media_type="application/octet-stream", headers=headers)

    def map_pictures(self, request: Request) -> Response:
        return _json(self._overviews.pictures(request.query_params))

    async def upload(self, request: Request) -> Response:
        data = await received(request, max_bytes=max_upload_bytes(self._deployment))
        return _json(await run_in_threadpool(query_of, self._deployment, self._thumbnails, data))


def _json(content: Mapping[str, Any] | Sequence[Any]) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(
        {"error": message}, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def _http_error(_request: Request, error: Any) -> Response:
    return _error(error.status_code, error.detail, error.headers)


def _told_by(explain: Explain) -> Callable[[Request, Exception], Response]:
    def tell(_request: Request, error: Exception) -> Response:
        return _error(_status(error), explain(error), error.headers if isinstance(error, RequestError) else None)

    return tell


def _status(error: Exception) -> HTTPStatus:
    if isinstance(error, RequestError):
        return error.status
    cause = error.__cause__
    if isinstance(error, SearchError) and cause is None:
        return HTTPStatus.BAD_REQUEST  # what the project itself refuses, such as too many letters
    if isinstance(cause, ClientError) and cause.response["Error"]["Code"] == "NotFoundException":
        return HTTPStatus.NOT_FOUND  # an index that nothing has been loaded into yet
    return HTTPStatus.BAD_GATEWAY


def _gone(_request: Request, _cause: Exception) -> Response:
    """Nobody reads this: the browser has left in the middle of its request."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _unforeseen(_request: Request, _cause: Exception) -> Response:
    return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "the server has failed: its output tells more")
