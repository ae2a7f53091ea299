"""The files of a folder as objects of S3, on loopback, in a process of its own: GET of a byte range, and no more.

`python -m benchmarks.stages.range_server FOLDER` prints its address; it ends when its standard input is closed.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ETAG = '"one-version"'


@contextmanager
def range_server(folder: Path, _size: int) -> Iterator[Mapping[str, str]]:
    """Serve a folder, and give the address as `s3`."""
    command = [sys.executable, "-m", "benchmarks.stages.range_server", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield {"s3": str(process.stdout.readline()).strip() if process.stdout else ""}
        finally:
            process.terminate()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder = Path()

    def do_GET(self) -> None:
        path = self.folder / Path(self.path).name
        size = path.stat().st_size
        begin, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
        first, last = (int(begin), min(int(end), size - 1)) if begin else (max(size - int(end), 0), size - 1)
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("ETag", ETAG)
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        with path.open("rb") as file:
            while first <= last:
                first += os.sendfile(self.connection.fileno(), file.fileno(), first, last + 1 - first)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve(folder: Path) -> None:
    _Handler.folder = folder
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
