"""PutVectors on loopback, in a process of its own: takes, checks and counts what is put.

The whole body is read, more than 20 MiB or 500 vectors are refused as the service refuses them, and with `--paced` also
what exceeds 2,500 vectors or 1,000 requests a second. `GET /report` and `GET /digest` tell what came since
`POST /reset`. Bodies are kept and parsed for the digest only, so that no contender waits for it; with `--paced` they
are not kept, and their text is digested instead. It ends when its standard input does, or after an hour.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import simdjson

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors.rates import WriteRate
from benchmarks.model import Outcome

_MAX_BODY_BYTES = 20 * 1024 * 1024
_MAX_VECTORS = 500
_LONGEST_SECONDS = 3_600.0
_DIGEST_BYTES = 16
_RECORD_BEGINS = b'{"key":'


@contextmanager
def vector_sink(*, paced: bool = False, latency_seconds: float = 0.0) -> Iterator[Mapping[str, str]]:
    """Run a sink in its own process and give its address as `s3vectors`."""
    command = [sys.executable, "-m", "benchmarks.stages.vector_sink", "--latency-seconds", str(latency_seconds)]
    command += ["--paced"] if paced else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield {"s3vectors": str(process.stdout.readline()).strip() if process.stdout else ""}
        finally:
            process.terminate()


def counted(address: str, put_all: Callable[[], object], *, figures: Collection[str]) -> Callable[[], Outcome]:
    """Return work that puts everything to an empty sink and gives these figures of its report; then its digest."""
    urlopen(Request(f"{address}/reset", method="POST", data=b"")).close()  # noqa: S310 - loopback

    def work() -> Outcome:
        put_all()
        told = _told(address, "report")
        return {name: told[name] for name in figures} | {"digest": lambda: _told(address, "digest")["digest"]}

    return work


def _told(address: str, what: str) -> Mapping[str, Any]:
    with urlopen(f"{address}/{what}") as answer:  # noqa: S310 - loopback
        told: Mapping[str, Any] = json.load(answer)
    return told


class _Received:
    """What was accepted and refused; the digest is a sum over vectors, so their order does not matter."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._digests: list[int] = []
        self._arrivals: list[tuple[float, int]] = []
        self._largest_body_bytes = 0
        self.throttled_calls = 0

    def add(self, body: bytes, vectors: int) -> None:
        self._arrivals.append((time.monotonic(), vectors))
        self._largest_body_bytes = max(self._largest_body_bytes, len(body))

    def keep(self, body: bytes) -> None:
        self._kept.append(body)

    def add_digest(self, number: int) -> None:
        self._digests.append(number)

    def digest(self) -> str:
        total = sum(self._digests) + sum(map(_digest_of_numbers, self._kept))
        return f"{sum(vectors for _, vectors in self._arrivals)}-{total % 2 ** (8 * _DIGEST_BYTES):032x}"

    def report(self) -> Mapping[str, float]:
        return {
            "calls": len(self._arrivals),
            "throttled_calls": self.throttled_calls,
            "largest_body_bytes": self._largest_body_bytes,
            "sustained_per_second": self._sustained_per_second(),
        }

    def _sustained_per_second(self) -> float:
        """Return vectors a second from the first admission to the last, which ends what went before it."""
        if len(self._arrivals) < 2:  # noqa: PLR2004 - a rate has two ends
            return 0.0
        seconds = self._arrivals[-1][0] - self._arrivals[0][0]
        return sum(vectors for _, vectors in self._arrivals[:-1]) / seconds


class _Sink(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *, paced: bool, latency_seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paced, self.latency_seconds = paced, latency_seconds
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self.received = _Received()
            self.rate = WriteRate() if self.paced else None

    def put(self, body: bytes) -> None:
        """Take one call.

        Raises:
            ModelledError: If the service would refuse it.
        """
        vectors = body.count(b'"key":')
        if len(body) > _MAX_BODY_BYTES or vectors > _MAX_VECTORS:
            raise ModelledError("ValidationException", f"{vectors} vectors in {len(body):,} bytes")
        with self.lock:
            try:
                if self.rate is not None:
                    self.rate.admit(vectors)
            except ModelledError:
                self.received.throttled_calls += 1
                raise
            self.received.add(body, vectors)
        if self.paced:
            self.received.add_digest(_digest_of_text(body))
        else:
            self.received.keep(body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Sink

    def do_GET(self) -> None:
        with self.server.lock:
            received = self.server.received
            told = {"digest": received.digest()} if self.path == "/digest" else received.report()
        self._answer(HTTPStatus.OK, told)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/reset":
            self.server.reset()
            self._answer(HTTPStatus.OK, {})
            return
        answer_at = time.monotonic() + self.server.latency_seconds
        try:
            self.server.put(body)
        except ModelledError as error:
            throttled = error.code == "TooManyRequestsException"
            self._answer(HTTPStatus.TOO_MANY_REQUESTS if throttled else HTTPStatus.BAD_REQUEST, {}, error=error)
            return
        time.sleep(max(0.0, answer_at - time.monotonic()))
        self._answer(HTTPStatus.OK, {})

    def _answer(self, status: HTTPStatus, told: Mapping[str, Any], *, error: ModelledError | None = None) -> None:
        body = json.dumps(told if error is None else {"message": error.message}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        if error is not None:
            self.send_header("x-amzn-ErrorType", error.code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _digest_of_text(body: bytes) -> int:
    """Return a sum over the records of a body as they are written; the envelope and the last bracket do not count."""
    records = body.removesuffix(b"]}").split(_RECORD_BEGINS)[1:]
    return sum(_number(record.rstrip(b", ")) for record in records)


def _digest_of_numbers(body: bytes) -> int:
    vectors: Any = simdjson.Parser().parse(body)
    return sum(_digest(vector) for vector in vectors["vectors"])


def _digest(vector: Any) -> int:
    """Return a number for the key, the float32 values and the metadata of a vector."""
    values = np.frombuffer(vector["data"]["float32"].as_buffer(of_type="d"), np.float64).astype(np.float32)
    document = json.dumps(vector["metadata"].as_dict(), sort_keys=True)
    head = f"{vector['key']}\n{document}\n".encode()
    return _number(head + values.tobytes())


def _number(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest(), "big")


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--paced", action="store_true")
    parser.add_argument("--latency-seconds", type=float, default=0.0)
    options = parser.parse_args()
    sink = _Sink(paced=options.paced, latency_seconds=options.latency_seconds)
    print(f"http://127.0.0.1:{sink.server_address[1]}", flush=True)
    threading.Thread(target=_end_with_input, args=(sink,), daemon=True).start()
    deadline = threading.Timer(_LONGEST_SECONDS, sink.shutdown)
    deadline.daemon = True
    deadline.start()
    sink.serve_forever()


def _end_with_input(sink: _Sink) -> None:
    sys.stdin.read()
    sink.shutdown()


if __name__ == "__main__":
    main()
