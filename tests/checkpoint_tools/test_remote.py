"""A web server on this machine counts what inspecting costs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from checkpoint_tools import Malformed, Unreadable, open_checkpoint
from tests.checkpoint_tools import building as b
from tests.checkpoint_tools.large import sparse_safetensors, sparse_torch_zip


class Server(ThreadingHTTPServer):
    """Serves a folder with ranges; `sent` counts body bytes."""

    daemon_threads = True
    folder: Path
    sent = 0
    asked = 0
    ranges = True
    etag = "one"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up early is part of these tests."""

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.server.folder / self.path.lstrip("/").partition("?")[0]
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        if int(first) >= size:
            self.send_error(416)
            return
        stop = min(int(last) + 1, size)
        self.send_response(206 if self.server.ranges else 200)
        self.send_header("Content-Range", f"bytes {first}-{stop - 1}/{size}")
        self.send_header("Content-Length", str(stop - int(first)))
        self.send_header("ETag", self.server.etag)
        self.end_headers()
        with path.open("rb") as file:
            file.seek(int(first))
            self.wfile.write(file.read(stop - int(first)))
        self.server.sent += stop - int(first)
        self.server.asked += 1

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.folder = tmp_path
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_inspecting_gigabytes_reads_kilobytes(server: Server, tmp_path: Path) -> None:
    sparse_safetensors(tmp_path / "a.safetensors", 300, 64 << 20)
    sparse_torch_zip(tmp_path / "a.pt", 300, 64 << 20)
    for name in ("a.safetensors", "a.pt"):
        assert (tmp_path / name).stat().st_size > 18 << 30
        server.sent = server.asked = 0
        with open_checkpoint(server.url(name)) as checkpoint:
            assert len(checkpoint.tensors) == 300
            assert checkpoint.stored_bytes == 300 * (64 << 20)
            assert server.sent < 250_000
            assert server.asked < 8
            last = list(checkpoint.tensors)[-1]
            assert checkpoint.read_slice(last, (0,), (64,)) == bytes(256)
            assert server.sent < 350_000


@pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.safetensors", "a.npy", "a.npz"])
def test_every_format_reads_the_same_bytes(name: str, server: Server, tmp_path: Path) -> None:
    made = {
        "a.pt": b.good_torch_zip(), "a.pth": b.good_legacy(), "a.npy": b.good_npy(),
        "a.safetensors": b.good_safetensors(), "a.npz": b.zip_bytes({"x.npy": b.good_npy()}, 8),
    }  # fmt: skip
    (tmp_path / name).write_bytes(made[name])
    with open_checkpoint(tmp_path / name) as near, open_checkpoint(server.url(name)) as far:
        assert list(near.tensors) == list(far.tensors)
        assert [near.read(key) for key in near.tensors] == [far.read(key) for key in far.tensors]
        assert near.metadata == far.metadata


def test_shards_beside_a_url(server: Server, tmp_path: Path) -> None:
    b.sharded(tmp_path)
    with open_checkpoint(server.url("model.safetensors.index.json")) as checkpoint:
        assert list(checkpoint.tensors) == ["a", "b"]
        assert checkpoint.read("b") == bytes(4)


def test_distributed_behind_a_url(server: Server, tmp_path: Path) -> None:
    b.Distributed().write(tmp_path)
    with open_checkpoint(server.url(".metadata")) as checkpoint:
        sent = server.sent
        assert sent < 20_000
        assert checkpoint.read("w") == bytes(48)


def test_a_storage_whose_local_header_lies_is_refused_when_read(
    server: Server, tmp_path: Path
) -> None:
    data = bytearray(b.good_torch_zip())
    at = data.index(b"archive/data/0")
    data[at] = ord("X")
    (tmp_path / "a.pt").write_bytes(data)
    with (
        open_checkpoint(server.url("a.pt")) as checkpoint,
        pytest.raises(Exception, match="another name"),
    ):
        checkpoint.read("weight")


def test_a_file_that_changes_on_the_way(server: Server, tmp_path: Path) -> None:
    sparse_safetensors(tmp_path / "a.safetensors", 2, 1 << 20)
    with open_checkpoint(server.url("a.safetensors")) as checkpoint:
        server.etag = "two"
        with pytest.raises(Malformed, match="changed"):
            checkpoint.read("layers.1.weight")


def test_servers_that_cannot(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="404"):
        open_checkpoint(server.url("none.pt"))
    (tmp_path / "empty.pt").write_bytes(b"")
    with pytest.raises(Unreadable, match="empty"):
        open_checkpoint(server.url("empty.pt"))
    (tmp_path / "a.npy").write_bytes(b.good_npy())
    server.ranges = False
    with pytest.raises(Unreadable, match="range requests"):
        open_checkpoint(server.url("a.npy"))
    with pytest.raises(Unreadable, match="fetched"):
        open_checkpoint("http://127.0.0.1:1/a.npy")


def test_any_file_system_of_fsspec() -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is optional")
    with fsspec.open("memory://folder/a.pt", "wb") as file:
        file.write(b.good_torch_zip())
    with open_checkpoint("memory://folder/a.pt") as checkpoint:
        assert checkpoint.read("weight") == bytes(range(24))
    with pytest.raises(Unreadable):
        open_checkpoint("memory://folder/none.pt")


def test_file_urls(tmp_path: Path) -> None:
    (tmp_path / "a b.npy").write_bytes(b.good_npy())
    with open_checkpoint((tmp_path / "a b.npy").as_uri()) as checkpoint:
        assert checkpoint.read("array") == bytes(range(24))


def test_a_remote_file_is_converted_by_ranges(server: Server, tmp_path: Path) -> None:
    """Only what the plan takes is fetched, and the bytes are those of a local conversion."""
    from checkpoint_tools.plan import Take, identity_plan, plan_of
    from checkpoint_tools.writing import convert

    sparse_safetensors(server.folder / "big.safetensors", 8, 4 << 20)
    with open_checkpoint(server.url("big.safetensors")) as checkpoint:
        names = list(checkpoint.tensors)
        one = plan_of([("kept", Take(names[3]))], names)
        convert(checkpoint, one, tmp_path / "one.safetensors", durable=False)
        assert server.sent < 5 << 20
        convert(checkpoint, identity_plan(checkpoint), tmp_path / "all.safetensors", durable=False)
    with open_checkpoint(str(server.folder / "big.safetensors")) as local:
        convert(local, identity_plan(local), tmp_path / "local.safetensors", durable=False)
        wanted = local.read(names[3])
    with open_checkpoint(str(tmp_path / "one.safetensors")) as made:
        assert made.read("kept") == wanted
    same = (tmp_path / "all.safetensors").read_bytes()
    assert same == (tmp_path / "local.safetensors").read_bytes()
