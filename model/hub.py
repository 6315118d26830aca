"""The Hugging Face hub: what it says of a file, and a download that goes on where the last one stopped.

huggingface_hub knows the address (HF_ENDPOINT), the token (HF_TOKEN, or what `hf auth login` keeps), offline mode
(HF_HUB_OFFLINE) and the errors. Its own download throws away what a killed process had; of two gigabytes that is too
much, so the bytes are fetched here, by plain HTTP also where the hub offers its Xet protocol.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from huggingface_hub import constants, get_hf_file_metadata, get_token, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff

from model.catalogue import CatalogueEntry
from model.digests import CheckpointError

TRIES = 5  # without one new byte
PAUSE_SECONDS = 1.0  # before the next try
SHA256_DIGITS = 64


class GateError(CheckpointError):
    """The hub gives these weights only to those who accepted their licence. `reason` says what stands in the way."""

    def __init__(self, entry: CatalogueEntry, reason: str):
        super().__init__(f"{entry.repository} is behind a licence: {reason}")
        self.entry, self.reason = entry, reason


@dataclass(frozen=True)
class RemoteFile:
    """What the hub says of one file of one commit. `etag` is the SHA-256 of a large file, git's name of a small one."""

    name: str
    url: str
    bytes: int
    etag: str
    commit: str


def locate(entry: CatalogueEntry) -> tuple[RemoteFile, ...]:
    """Ask the hub for all files of an entry, of one commit. Raises GateError or CheckpointError."""
    assert entry.repository
    files: list[RemoteFile] = []
    commit = None
    try:
        for file in entry.files:
            metadata = get_hf_file_metadata(_url(entry, file.name, commit))
            if metadata.commit_hash is None or metadata.etag is None or metadata.size is None:
                raise CheckpointError(
                    f"{constants.ENDPOINT} does not answer like a Hugging Face hub: check HF_ENDPOINT, the proxy, and "
                    "whether this network wants you to log in first"
                )
            commit = metadata.commit_hash
            url = _url(entry, file.name, commit)
            files.append(RemoteFile(file.name, url, metadata.size, metadata.etag, commit))
    except (httpx2.HTTPError, httpx2.InvalidURL, OfflineModeIsEnabled, UnicodeEncodeError) as error:
        raise _told(error, entry) from error
    return tuple(files)


def download(entry: CatalogueEntry, file: RemoteFile, path: Path) -> Iterator[int]:
    """Fetch `file` to `path`, going on with what is there; yields the bytes that are there after each chunk.

    Raises CheckpointError when the connection is lost for good, OSError when the disk takes no more; both keep `path`.
    """
    tries = 0
    while (done := path.stat().st_size if path.exists() else 0) < file.bytes:
        try:
            headers = build_hf_headers() | {"Accept-Encoding": "identity", "Range": f"bytes={done}-"}
            with http_stream_backoff(
                "GET", file.url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT, retry_on_exceptions=()
            ) as response:
                hf_raise_for_status(response)
                resumes = response.status_code == httpx2.codes.PARTIAL_CONTENT
                with path.open("ab" if resumes else "wb") as kept:
                    for chunk in response.iter_bytes():  # as they come: a larger chunk would be lost in a cut
                        kept.write(chunk)
                        tries = 0
                        yield kept.tell()
            tries += 1  # an answer that ended early without an error
        except HfHubHTTPError as error:
            raise _told(error, entry) from error
        except httpx2.HTTPError as error:
            tries += 1
            if tries >= TRIES:
                raise _told(error, entry) from error
        if tries:
            if tries >= TRIES:
                raise CheckpointError(f"{file.url} keeps ending early; type the command again to go on")
            time.sleep(PAUSE_SECONDS)


def _url(entry: CatalogueEntry, name: str, commit: str | None) -> str:
    assert entry.repository
    return hf_hub_url(entry.repository, name, revision=commit)


def _told(error: Exception, entry: CatalogueEntry) -> CheckpointError:
    """The sentence, or the gate, for what the hub or the way to it answered."""
    remedy = f"or install from a file: arc-instrument models get {entry.name} --from PATH"
    if isinstance(error, OfflineModeIsEnabled):
        return CheckpointError(f"HF_HUB_OFFLINE forbids to fetch {entry.name}: unset it, {remedy}")
    if isinstance(error, UnicodeEncodeError):
        return CheckpointError("The Hugging Face token holds letters that no token has: type hf auth login again")
    if not isinstance(error, HfHubHTTPError):
        reason = str(error) or type(error).__name__
        return CheckpointError(f"{constants.ENDPOINT} cannot be reached ({reason}): check the connection, {remedy}")
    status = error.response.status_code
    if status == 401 and not entry.gated:
        return CheckpointError("The hub does not accept your token: type hf auth login again, or unset HF_TOKEN")
    if isinstance(error, GatedRepoError) or status in (401, 403):
        if get_token() is None:
            return GateError(entry, "you are not logged in")
        if status == 401:
            return GateError(entry, "the hub does not accept your token")
        return GateError(entry, "your account has not accepted it, or your token may not read gated repositories")
    return CheckpointError(f"{constants.ENDPOINT} answered {status} for {entry.repository}: try later, {remedy}")
