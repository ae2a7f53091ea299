"""A generic rest-json server: botocore's own service model in front of a plain object."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.rest_json_request import HttpRequest, parse_request
from batch_assets.sandbox.rest_json_response import HttpResponse, not_implemented, write_error, write_response

_LABEL = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True)
class Route:
    """An operation and the parts of the path that are its input."""

    operation: OperationModel
    labels: Mapping[str, str]


class RestJsonApi:
    """One AWS service: finds the operation, reads its input, calls a handler, writes its output.

    A handler is any object with a method named ``botocore.xform_name(operation)`` that takes the
    input as one dict and returns the output as one, or raises ``ModelledError``.
    """

    def __init__(self, service_name: str, *, max_body_bytes: int | None = None) -> None:
        """Load the service model that the installed botocore carries."""
        description = Loader().load_service_model(service_name, "service-2")
        self.service_name = service_name
        self.model = ServiceModel(description, service_name)
        self._max_body_bytes = max_body_bytes
        self._routes = sorted((self._compile(name) for name in self.model.operation_names), key=lambda route: route[0])

    def route(self, *, method: str, raw_path: str) -> Route | None:
        """Find the operation of a request; paths are matched undecoded, as ARNs hold ``%2F``."""
        for _, route_method, pattern, operation in self._routes:
            match = pattern.fullmatch(raw_path) if route_method == method else None
            if match:
                labels = {name: unquote(value) for name, value in match.groupdict().items()}
                return Route(operation, labels)
        return None

    def call(
        self,
        handler: object,
        route: Route,
        *,
        query_string: str,
        headers: Mapping[str, str],
        body: bytes,
        authorize: Callable[[str, Mapping[str, Any]], None] | None = None,
    ) -> HttpResponse:
        """Run one operation; every ``ModelledError`` becomes the answer the model describes.

        ``authorize`` is called with the operation's name and its input before the handler, and may refuse.
        """
        method = getattr(handler, xform_name(route.operation.name), None)
        if method is None:
            return not_implemented(self.service_name, route.operation.name)
        if self._max_body_bytes is not None and len(body) > self._max_body_bytes:
            return self.error(validation_error("Request body exceeds max allowed size"))
        try:
            request = HttpRequest(
                labels=route.labels,
                query=parse_qs(query_string, keep_blank_values=True),
                headers=headers,
                body=body,
            )
            parsed = parse_request(route.operation, request)
            if authorize is not None:
                authorize(route.operation.name, parsed)
            output = method(parsed)
            return write_response(route.operation, output or {})
        except ModelledError as error:
            return self.error(error)

    def error(self, error: ModelledError, *, status: int | None = None) -> HttpResponse:
        """Write an error as this service does."""
        return write_error(self.model, error, status=status or error.status)

    def unknown(self, *, method: str, raw_path: str) -> HttpResponse:
        """Answer a request that is no operation of this service."""
        return not_implemented(self.service_name, f"{method} {raw_path}")

    def _compile(self, name: str) -> tuple[tuple[int, int], str, re.Pattern[str], OperationModel]:
        operation = self.model.operation_model(name)
        path = operation.http["requestUri"].partition("?")[0]
        pattern, end = "", 0
        labels = list(_LABEL.finditer(path))
        for label in labels:
            pattern += re.escape(path[end : label.start()])
            pattern += f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})"
            end = label.end()
        pattern += re.escape(path[end:])
        # Fewer labels and longer literals first: `/a/b` before `/a/{x}`.
        return (len(labels), -len(path)), operation.http["method"], re.compile(pattern), operation
