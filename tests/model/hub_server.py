"""A hub on this machine that answers for files as huggingface.co does, as far as a download asks.

Like there, small files lie behind a redirect on the same host, under the name that git gives them; large ones with
another host (here: another port), which must never be sent the token.
"""

import hashlib
import socket
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CACHE = "/api/resolve-cache/models/"  # where small files really lie
LARGE = (".safetensors", ".ckpt")


@cache
def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    range: str | None
    token: str | None
    on_storage: bool  # sent to the host of large files


@dataclass
class Hub:
    """What the hub holds, and how it misbehaves. `address` is what HF_ENDPOINT has to be."""

    address: str = ""
    storage: str = ""
    files: dict[str, bytes] = field(default_factory=dict)  # "owner/name/file" → content
    gated: set[str] = field(default_factory=set)  # repositories
    members: set[str] = field(default_factory=set)  # tokens that may read gated repositories
    strangers: set[str] = field(default_factory=set)  # valid tokens whose account has not accepted
    told: dict[str, bytes] = field(default_factory=dict)  # what digests are told of, where it is not the content
    hold_after: int | None = None  # bytes of a large file after which the answer waits for `go`
    go: Event = field(default_factory=Event)
    cut_after: list[int] = field(default_factory=list)  # bytes of the body after which the next answers break off
    status: int | None = None  # answer everything so
    ranges: bool = True  # whether storage knows ranges
    xet: bool = False  # whether large files are offered by the Xet protocol too
    is_hub: bool = True  # False: a login page of some network answers
    requests: list[Request] = field(default_factory=list)

    def downloads(self, name: str) -> list[Request]:
        digest = sha256(self.files[name])
        return [r for r in self.requests if r.method == "GET" and r.on_storage and r.path.endswith(digest)]


def start(hub: Hub) -> list[ThreadingHTTPServer]:
    """Serve `hub` on two free ports and note them in it."""
    servers = [_serve(hub, on_storage) for on_storage in (False, True)]
    hub.address, hub.storage = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    return servers


def stop(hub: Hub, servers: list[ThreadingHTTPServer]) -> None:
    hub.go.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def _serve(hub: Hub, on_storage: bool) -> ThreadingHTTPServer:
    class Handler(_Handler):
        pass

    Handler.hub, Handler.on_storage = hub, on_storage
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub
    on_storage: bool

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _answer(self) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        self.hub.requests.append(Request(self.command, self.path, self.headers.get("Range"), token, self.on_storage))
        if self.hub.status:
            self._send(self.hub.status, {}, b"")
        elif self.path.startswith(CACHE):
            self._send_small(self.path.removeprefix(CACHE))
        elif self.path.startswith("/api/"):  # huggingface_hub asks there who may drive it; downloads ask nothing there
            self._send(404, {}, b"")
        elif not self.hub.is_hub:
            self._send(200, {"Content-Type": "text/html"}, b"<html>Welcome to our hotel</html>")
        elif self.on_storage:
            contents = {sha256(content): content for content in self.hub.files.values()}
            self._send_part(contents[self.path.rsplit("/", 1)[1]])
        else:
            self._resolve(token)

    def _resolve(self, token: str | None) -> None:
        """Answer for /OWNER/NAME/resolve/REVISION/FILE."""
        owner, name, _, _, file = self.path.strip("/").split("/", 4)
        repository, key = f"{owner}/{name}", f"{owner}/{name}/{file}"
        known = self.hub.members | self.hub.strangers
        if token and token not in known:
            self._send(401, {"X-Error-Message": "Invalid credentials in Authorization header"}, b"")
        elif repository in self.hub.gated and token not in self.hub.members:
            self._send(403 if token else 401, {"X-Error-Code": "GatedRepo"}, b"")
        elif key not in self.hub.files:
            self._send(404, {"X-Error-Code": "EntryNotFound"}, b"")
        elif file.endswith(LARGE):
            self._redirect(key)
        else:
            self._send(307, {"X-Repo-Commit": COMMIT, "Location": CACHE + key}, b"")

    def _send_small(self, key: str) -> None:
        content = self.hub.files[key]
        told = self.hub.told.get(key, content)
        etag = hashlib.sha1(b"blob %d\0" % len(told) + told).hexdigest()
        self._send_part(content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _redirect(self, key: str) -> None:
        content = self.hub.files[key]
        headers = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{sha256(self.hub.told.get(key, content))}"',
            "Location": f"{self.hub.storage}/{sha256(content)}",
        }
        if self.hub.xet:
            route = f"{self.hub.address}/api/models/xet-read-token"
            headers |= {"X-Xet-Hash": "0" * 64, "X-Xet-Refresh-Route": route, "Link": f'<{route}>; rel="xet-auth"'}
        self._send(302, headers, b"")

    def _send_part(self, content: bytes, headers: dict[str, str] | None = None) -> None:
        asked = self.headers.get("Range")
        if not asked or not self.hub.ranges:
            return self._send(200, headers or {}, content)
        first = int(asked.removeprefix("bytes=").partition("-")[0])
        place = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        return self._send(206, (headers or {}) | place, memoryview(content)[first:])

    def _send(self, status: int, headers: dict[str, str], content: bytes | memoryview) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if content and self.hub.cut_after:
            self.wfile.write(content[: self.hub.cut_after.pop(0)])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.on_storage and self.hub.hold_after is not None:
            self.wfile.write(content[: self.hub.hold_after])
            self.hub.go.wait(60)
            self.wfile.write(content[self.hub.hold_after :])
        else:
            self.wfile.write(content)
