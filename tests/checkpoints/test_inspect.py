"""`cfgmig checkpoint inspect`, from the outside."""

from __future__ import annotations

import functools
import http.server
import json
import math
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfgmig.recognising import Recognised
from cfgmig.schema.layout import Component, Layout, Variant
from cfgmig.schema.solving import identify
from checkpoint_tools import open_checkpoint
from tests.checkpoints.conftest import Run, write_safetensors, zeros
from tests.conftest import ROOT

Variants = dict[str, dict[str, tuple[int, ...]]]


def test_a_real_file(cli: Run, files: Path) -> None:
    code, out, err = cli("inspect", files / "v5_12_4_best_Q.pt")
    assert (code, err) == (0, "")
    for line in (
        "  is          ternary_vae 5.12.4\n",
        "  because     68 of 68 tensors fit its names and shapes\n",
        "  dimensions  hidden 64, latent 16, radius_hidden 32\n",
        "  not told    by tensors: model.max_radius, ",
        "  bytes       152 tensors, 953 kB stored, all of it referenced\n",
        "model_state_dict  68 tensors, 113,957 elements, 456 kB float32\n",
        "      0: weight [256, 9], bias [256]  float32, 10.2 kB\n",
        "optimizer_state (optimizer)  84 tensors, 124,292 elements, 497 kB float32\n",
        "    coverage: 1.0\n",
        "      name: TernaryVAEV5_11_PartialFreeze\n",
    ):
        assert line in out
    assert "exp_avg" not in out
    assert "exp_avg" in cli("inspect", "--verbose", files / "v5_12_4_best_Q.pt")[1]


def test_json_is_json_whatever_the_numbers(cli: Run, files: Path) -> None:
    code, out, _ = cli("inspect", "--output-format", "json", files / "v5_10_init.pt")
    assert code == 0
    found = json.loads(out, parse_constant=pytest.fail)
    assert found["metadata"]["best_val_loss"] == "inf"
    assert found["recognised"]["versions"] == ["5.10.1"]
    assert found["recognised"]["certain"] is True
    assert found["state_dicts"] == [
        {"key": "model", "role": "model", "tensors": 70, "elements": 176308}
    ]
    first = found["tensors"][0]
    assert (first["name"], first["shape"], first["bytes"]) == ("model.grad_norm_A_ema", [], 4)


def test_several_files_are_one_array(cli: Run, tmp_path: Path) -> None:
    paths = [zeros(tmp_path / f"{name}.safetensors", {"w": (2,)}) for name in "ab"]
    code, out, _ = cli("inspect", "--output-format", "json", *paths)
    assert (code, len(json.loads(out))) == (0, 2)
    assert "stats" not in json.loads(out)[0]["tensors"][0]


def test_statistics(cli: Run, tmp_path: Path) -> None:
    numbers = struct.pack("<6f", 1.0, -3.0, 0.0, math.nan, math.inf, 2.0)
    path = write_safetensors(tmp_path / "a.safetensors", {"w": numbers}, {"w": (2, 3)})
    code, out, _ = cli("inspect", "--stats", path)
    assert code == 0
    assert "min -3, max 2, mean 0, std 1.87083, zeros 1, NaN 1, Inf 1" in out
    _, out, _ = cli("inspect", "--stats", "--output-format", "json", path)
    stats = json.loads(out)["tensors"][0]["stats"]
    assert (stats["min"], stats["nan"], stats["inf"]) == (-3.0, 1, 1)


@pytest.mark.parametrize(
    "name",
    ["\x1b[31mred", "line\nfeed", "[bold]x[/]", "\u202egnp", "a" * 3000, ".".join("ab" * 900), "."],
)
def test_hostile_names_are_shown_escaped(name: str, cli: Run, tmp_path: Path) -> None:
    path = zeros(tmp_path / "a.safetensors", {name: (2,), "other.w": (1,)})
    for arguments in ([path], ["--stats", path], ["--verbose", path]):
        code, out, err = cli("inspect", *arguments)
        assert code == 0
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err
        assert "line\nfeed" not in out
    _, out, _ = cli("inspect", "--output-format", "json", path)
    assert name in [tensor["name"] for tensor in json.loads(out)["tensors"]]
    assert out.isascii()


@pytest.mark.parametrize(
    "names",
    [("a", "a.b", "a.b.c"), ("a.", "a", "a.b"), ("a..b", "a.b", "a"), (".".join("x" * 40),)],
)
def test_names_that_begin_other_names(names: tuple[str, ...], cli: Run, tmp_path: Path) -> None:
    path = zeros(tmp_path / "a.safetensors", dict.fromkeys(names, (7,)))
    code, out, _ = cli("inspect", path)
    assert code == 0
    assert out.count("[7]") == len(names)


def test_alike_blocks_are_shown_once(cli: Run, tmp_path: Path) -> None:
    shapes = {f"blocks.{n}.w": (3, 3) for n in range(12)} | {"blocks.12.w": (3, 4)}
    path = zeros(tmp_path / "a.safetensors", shapes)
    _, out, _ = cli("inspect", path)
    assert "0 ... 11 (12 alike): w [3, 3]" in out
    assert "12: w [3, 4]" in out
    assert "alike)" not in cli("inspect", "--verbose", path)[1]


def test_unknown_files_say_so(cli: Run, tmp_path: Path) -> None:
    code, out, _ = cli("inspect", zeros(tmp_path / "a.safetensors", {"w": (2,)}))
    assert code == 0
    assert "  is          of no known family\n" in out
    assert cli("inspect", zeros(tmp_path / "b.safetensors", {}))[0] == 0


def test_wrappers_are_named(cli: Run, tmp_path: Path, variants: Variants) -> None:
    shapes = {f"_orig_mod.{name}": shape for name, shape in variants["v5_6_statenet_v2"].items()}
    _, out, _ = cli("inspect", zeros(tmp_path / "a.safetensors", shapes))
    assert "  wrapped in  _orig_mod.\n" in out
    assert "layout      v5.6" in out


def test_a_broken_state_is_told_in_detail(cli: Run, tmp_path: Path, variants: Variants) -> None:
    shapes = {**variants["v5_5"], "extra.w": (3,), "encoder_A.fc_mu.bias": (5,)}
    del shapes["decoder_A.decoder.0.bias"]
    _, out, _ = cli("inspect", zeros(tmp_path / "a.safetensors", shapes))
    assert "ternary_vae 5.5.0 to 5.6.0 (nearly)" in out
    assert "missing     decoder_A.decoder.0.bias\n" in out
    assert "unexpected  extra.w\n" in out
    assert "mismatched  encoder_A.fc_mu.bias is [5], not [16]\n" in out


def test_exit_codes(cli: Run, tmp_path: Path) -> None:
    good = zeros(tmp_path / "good.safetensors", {"w": (2,)})
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(good.read_bytes()[:-1])
    code, out, err = cli("inspect", tmp_path / "none.pt", good)
    assert code == 2
    assert "none.pt: No such file" in err
    assert "good.safetensors" in out
    code, _, err = cli("inspect", cut, tmp_path / "none.pt")
    assert code == 3
    assert err.startswith(f"{cut}: byte ")
    assert cli("inspect")[0] == 2
    assert cli("frobnicate", good)[0] == 2
    assert cli("inspect", good, "--compatible-with", "a.yaml")[0] == 2
    assert cli("inspect", good, "--output-format", "xml")[0] == 2


def test_bytes_that_nothing_refers_to(cli: Run, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch writes the file")
    whole = torch.zeros(1000)
    torch.save({"part": whole[:10], "tied": whole[:10]}, tmp_path / "a.pt")
    _, out, _ = cli("inspect", tmp_path / "a.pt")
    assert "2 tensors, 4 kB stored, 40 B of it referenced (3960 bytes are not)" in out
    assert "the same as part" in out


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            data = Path(self.translate_path(self.path)).read_bytes()
            first, last = (self.headers["Range"] or "bytes=0-").removeprefix("bytes=").split("-")
            part = data[int(first) : int(last or len(data)) + 1]
            self.send_response(206)
            self.send_header("Content-Length", str(len(part)))
            stop = int(first) + len(part) - 1
            self.send_header("Content-Range", f"bytes {first}-{stop}/{len(data)}")
            self.end_headers()
            self.wfile.write(part)

    handler = functools.partial(Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_url(cli: Run, tmp_path: Path, server: str, variants: Variants) -> None:
    zeros(tmp_path / "a.safetensors", variants["v5_5"])
    code, out, err = cli("inspect", f"{server}/a.safetensors")
    assert (code, err) == (0, "")
    assert "layout      v5.5" in out


def test_a_folder_of_shards(cli: Run, tmp_path: Path, variants: Variants) -> None:
    names = list(variants["v5_5"])
    index: dict[str, str] = {}
    for at in (0, 1):
        file = f"model-{at + 1:05}-of-00002.safetensors"
        part = {name: variants["v5_5"][name] for name in names[at::2]}
        zeros(tmp_path / file, part)
        index |= dict.fromkeys(part, file)
    text = json.dumps({"metadata": {}, "weight_map": index})
    (tmp_path / "model.safetensors.index.json").write_text(text)
    code, out, _ = cli("inspect", tmp_path)
    assert code == 0
    assert "layout      v5.5" in out
    code, out, _ = cli("find", tmp_path, "--output-format", "json")
    assert [Path(one["file"]).name for one in json.loads(out)] == ["model.safetensors.index.json"]


def test_nothing_heavy_is_imported(files: Path, tmp_path: Path) -> None:
    path = files / "v5_12_4_best_Q.pt"
    code = (
        "import sys\nfrom cfgmig.cli.main import run\n"
        f"assert run(['checkpoint', 'inspect', {str(path)!r}]) == 0\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'ruamel', 'typer', 'rich', 'fsspec'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    for _ in range(2):  # the first run compiles the family's schemas
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PATH": "", "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)},
            check=True,
            capture_output=True,
            text=True,
        )
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_stored_and_shown_totals_agree(cli: Run, files: Path) -> None:
    for path in files.glob("*.pt"):
        with open_checkpoint(path) as checkpoint:
            stored = checkpoint.stored_bytes
        _, out, _ = cli("inspect", path, "--output-format", "json")
        found = json.loads(out)
        assert found["stored_bytes"] == stored
        assert found["file_bytes"] == path.stat().st_size


def test_a_huge_config_is_not_looked_into(cli: Run, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch writes the file")
    config = {f"key{n}": {"a": n} for n in range(20_000)}
    torch.save({"model": {"w": torch.zeros(2)}, "config": config}, tmp_path / "a.pt")
    code, out, _ = cli("inspect", tmp_path / "a.pt")
    assert code == 0
    assert "too large to be one" in out
    assert out.endswith("(--verbose shows the rest)\n")
    assert len(out.splitlines()) < 1100


def test_what_lies_before_the_damage_is_shown(cli: Run, tmp_path: Path) -> None:
    from cfgmig.cli import checkpoint_inspect
    from checkpoint_tools import Malformed

    path = zeros(tmp_path / "a.safetensors", {"w": (2,)})
    error = Malformed("the rest is damaged", file=str(path), offset=7)
    error.partial = open_checkpoint(path)
    printer = checkpoint_inspect.Printer("text", quiet=False, verbose=False, stats=False)
    printer._partial(error.partial)
    assert printer.shown == 1


def test_a_tie_is_told_as_one() -> None:
    layout = Layout("one", ("1",), (Component("a", (Variant({"w": (2,)}),)),), family="f")
    found = identify([layout, layout._replace(name="two")], {"w": (2,)})
    said = Recognised(found)
    assert said.title == "f one or f two: cannot be told apart"
    assert not said.certain
