"""Downloads from a real web server: each URL keeps a place of its own, and connections that break are made again."""

import hashlib
import http.server
import re
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.shards import ATTEMPTS, fetch

BODY = bytes(range(256)) * 20_000


class Flaky(http.server.ThreadingHTTPServer):
    """Answers with BODY and the path's name; under /reset/ and /chunked/ the connection breaks `breaks` times first."""

    breaks = 0

    def handle_error(self, request: object, client_address: object) -> None: ...


class Handler(http.server.BaseHTTPRequestHandler):
    server: Flaky
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        kind, body = self.path.split("/")[1], BODY + self.path.encode()
        self.close_connection = True
        self.send_response(200)
        if kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        broken = kind != "whole" and self.server.breaks > 0
        self.server.breaks -= broken
        if kind == "chunked":
            self.wfile.write(
                f"{len(body):x}\r\n".encode() + (body[: len(body) // 2] if broken else body + b"\r\n0\r\n\r\n")
            )
        else:
            self.wfile.write(body[: len(body) // 2] if broken else body)
        if broken and kind == "reset":  # without the usual farewell: the reader meets ConnectionResetError
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


@pytest.fixture
def server() -> Iterator[Flaky]:
    with Flaky(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def url(server: Flaky, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_files_of_one_name_in_two_folders_are_two_files(server: Flaky, tmp_path: Path) -> None:
    paths = "/whole/train/0000.tar", "/whole/test/0000.tar"
    fetched = [fetch(url(server, path), tmp_path) for path in paths]
    assert [file.read_bytes() for file in fetched] == [BODY + path.encode() for path in paths]
    assert [file.name for file in fetched] == ["0000.tar"] * 2
    assert [fetch(url(server, path), tmp_path) for path in paths] == fetched


@pytest.mark.parametrize("kind", ["reset", "cut", "chunked"])
def test_a_connection_that_breaks_is_made_again(server: Flaky, tmp_path: Path, kind: str) -> None:
    path, server.breaks = f"/{kind}/0.tar", 2
    assert fetch(url(server, path), tmp_path).read_bytes() == BODY + path.encode()
    server.breaks = ATTEMPTS
    with pytest.raises(ValueError, match="the connection ends before the file does"):
        fetch(url(server, path), tmp_path / "other")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [fetch(url(server, path), tmp_path)]


def test_what_a_server_has_in_place_of_what_its_index_tells_of_is_refused(server: Flaky, tmp_path: Path) -> None:
    name = url(server, "/whole/0.tar")
    digest = hashlib.sha256(BODY + b"/whole/0.tar").hexdigest()
    there = fetch(name, tmp_path, digest)
    with pytest.raises(ValueError, match=f"^{re.escape(name)} is not the file that its index tells of"):
        fetch(name, tmp_path, hashlib.sha256(b"other").hexdigest())
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [there]
