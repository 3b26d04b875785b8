from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cfgmig.errors import Refused, Unreadable, UsageError
from cfgmig.migration.journal import history
from cfgmig.migration.transaction import FileChange, Receipt, Transaction, recover, undo

OLD, NEW = b"width: 1  # kept\n", b"model:\n  width: 1  # kept\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def config(path: Path, data: bytes = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def run(home: Path, *paths: Path, after: bytes = NEW) -> Receipt:
    changes = [FileChange(path, OLD, after) for path in paths]
    return Transaction(home).run(changes, command="upgrade")


def files(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.name != ".cfgmig")


def test_every_file_gets_its_new_bytes(home: Path) -> None:
    paths = [config(home / "a" / "one.yaml"), config(home / "b" / "two.yaml")]
    receipt = run(home, *paths)
    assert [path.read_bytes() for path in paths] == [NEW, NEW]
    assert receipt.written == tuple(paths)
    assert receipt.notes == ()
    assert receipt.entry == history(home)[0].name
    assert files(home) == ["a", "b"]
    assert files(home / "a") == ["one.yaml"]


def test_files_without_changes_are_not_touched(home: Path) -> None:
    same, other = config(home / "same.yaml"), config(home / "other.yaml")
    os.utime(same, ns=(5, 10**18))
    number = same.stat().st_ino
    changes = [FileChange(same, OLD, OLD), FileChange(other, OLD, NEW)]
    receipt = Transaction(home).run(changes, command="upgrade")
    assert (same.stat().st_mtime_ns, same.stat().st_ino) == (10**18, number)
    assert receipt.unchanged == (same,)
    assert receipt.written == (other,)


def test_nothing_to_write_leaves_no_trace(home: Path) -> None:
    path = config(home / "a.yaml")
    receipt = Transaction(home).run([FileChange(path, OLD, OLD)], command="upgrade")
    assert receipt == Receipt(None, (), (path,))
    assert Transaction(home).run([], command="upgrade") == Receipt(None, ())
    assert recover(home) is None
    assert not (home / ".cfgmig").exists()


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o664])
def test_the_mode_is_kept(home: Path, mode: int) -> None:
    path = config(home / "a.yaml")
    path.chmod(mode)
    run(home, path)
    assert path.stat().st_mode & 0o777 == mode
    undo(home)
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
def test_root_keeps_the_owner(home: Path) -> None:
    path = config(home / "a.yaml")
    os.chown(path, 1234, 4321)
    assert run(home, path).notes == ()
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_an_owner_that_cannot_be_kept_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "operation not permitted")

    path = config(home / "a.yaml")
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    else:
        pytest.skip("the file has to belong to somebody else: needs root")
    monkeypatch.setattr(os, "chown", refuse)
    assert "belongs to you" in run(home, path).notes[0]


@pytest.mark.skipif(sys.platform != "linux", reason="extended attributes as Linux has them")
def test_extended_attributes_are_kept(home: Path) -> None:
    path = config(home / "a.yaml")
    try:
        os.setxattr(path, "user.origin", b"team")
    except OSError as error:
        pytest.skip(f"no attributes on this file system: {error}")
    run(home, path)
    assert os.getxattr(path, "user.origin") == b"team"


@pytest.mark.parametrize("size", [0, 1, 200_000, 3_000_000])
def test_sizes(home: Path, size: int) -> None:
    path = config(home / "a.yaml", b"x" * size)
    Transaction(home).run([FileChange(path, b"x" * size, b"y" * (size + 1))], command="upgrade")
    assert path.read_bytes() == b"y" * (size + 1)
    undo(home)
    assert path.read_bytes() == b"x" * size


@pytest.mark.parametrize("name", ["é ü.yaml", "-rf.yaml", "a\nb.yaml", "x" * 250 + ".yaml"])
def test_names(home: Path, name: str) -> None:
    path = config(home / name)
    run(home, path)
    assert path.read_bytes() == NEW
    assert files(home) == [name]
    undo(home)
    assert path.read_bytes() == OLD


def test_names_that_are_not_utf8(home: Path) -> None:
    path = config(home / os.fsdecode(b"caf\xe9.yaml"))
    run(home, path)
    assert path.read_bytes() == NEW
    path.write_bytes(b"edited\n")
    with pytest.raises(Refused, match=r"caf\\xe9") as caught:
        undo(home)
    str(caught.value).encode("utf-8")
    path.write_bytes(NEW)
    undo(home)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("target", ["../elsewhere/real.yaml", "absolute"])
def test_a_symbolic_link_stays_and_its_file_is_replaced(home: Path, target: str) -> None:
    real = config(home.parent / "elsewhere" / "real.yaml")
    link = home / "link.yaml"
    link.symlink_to(real if target == "absolute" else target)
    receipt = run(home, link)
    assert link.is_symlink()
    assert real.read_bytes() == NEW
    assert receipt.written == (link,)
    assert files(real.parent) == ["real.yaml"]
    undo(home)
    assert real.read_bytes() == OLD


def test_links_through_linked_folders(home: Path) -> None:
    config(home.parent / "store" / "deep" / "real.yaml")
    (home / "configs").symlink_to("../store/deep")
    (home / "first.yaml").symlink_to("configs/real.yaml")
    (home / "second.yaml").symlink_to("first.yaml")
    run(home, home / "second.yaml")
    assert (home.parent / "store" / "deep" / "real.yaml").read_bytes() == NEW
    assert (home / "first.yaml").is_symlink()


def dangling(home: Path) -> Path:
    (home / "a.yaml").symlink_to("nowhere.yaml")
    return home / "a.yaml"


def circle(home: Path) -> Path:
    (home / "a.yaml").symlink_to("a.yaml")
    return home / "a.yaml"


def folder(home: Path) -> Path:
    (home / "a.yaml").mkdir()
    return home / "a.yaml"


def pipe(home: Path) -> Path:
    os.mkfifo(home / "a.yaml")
    return home / "a.yaml"


def missing(home: Path) -> Path:
    return home / "a.yaml"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (dangling, "the symbolic link leads nowhere: nowhere.yaml"),
        (circle, "the symbolic link"),
        (folder, "not a regular file"),
        (pipe, "not a regular file"),
        (missing, "there is no such file"),
    ],
)
def test_what_is_no_file_is_refused(home: Path, make: Callable[[Path], Path], message: str) -> None:
    other = config(home / "other.yaml")
    with pytest.raises(Unreadable, match=message) as caught:
        run(home, other, make(home))
    assert str(caught.value.file).endswith("a.yaml")
    assert caught.value.help
    assert other.read_bytes() == OLD


def test_hard_links_are_parted_and_the_user_is_told(home: Path) -> None:
    path = config(home / "a.yaml")
    twin = home / "twin.yaml"
    twin.hardlink_to(path)
    receipt = run(home, path)
    assert path.read_bytes() == NEW
    assert twin.read_bytes() == OLD
    assert "2 names" in receipt.notes[0]


def test_both_names_of_a_hard_link_are_written(home: Path) -> None:
    path = config(home / "a.yaml")
    twin = home / "twin.yaml"
    twin.hardlink_to(path)
    run(home, path, twin)
    assert path.read_bytes() == twin.read_bytes() == NEW
    undo(home)
    assert path.read_bytes() == twin.read_bytes() == OLD


def test_a_file_given_by_two_names_is_written_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(home / "a.yaml")
    (home / "link.yaml").symlink_to("a.yaml")
    monkeypatch.chdir(home)
    receipt = run(home, Path("a.yaml"), path, home / "link.yaml", home / ".." / "home" / "a.yaml")
    assert receipt.written == (Path("a.yaml"),)
    assert len(history(home)[0].files) == 1


def test_a_file_given_by_two_names_with_two_outcomes_is_refused(home: Path) -> None:
    path = config(home / "a.yaml")
    (home / "link.yaml").symlink_to("a.yaml")
    changes = [FileChange(path, OLD, NEW), FileChange(home / "link.yaml", OLD, b"other\n")]
    with pytest.raises(UsageError, match="the same file as"):
        Transaction(home).run(changes, command="upgrade")
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("how", ["edited", "deleted", "replaced by a link"])
def test_changed_between_plan_and_write(home: Path, how: str) -> None:
    other, path = config(home / "other.yaml"), config(home / "a.yaml")
    changes = [FileChange(other, OLD, NEW), FileChange(path, OLD, NEW)]
    untouched = other.stat()

    def meddle(step: str, done: int, _: int) -> None:
        if (step, done) == ("stage", 2):
            path.unlink()
            if how == "edited":
                path.write_bytes(b"mine\n")
            elif how == "replaced by a link":
                path.symlink_to(other)

    with pytest.raises(Refused, match=r"changed between plan and write.*a\.yaml"):
        Transaction(home).run(changes, command="upgrade", on_progress=meddle)
    assert other.read_bytes() == OLD
    assert (other.stat().st_ino, other.stat().st_ctime_ns) == (
        untouched.st_ino,
        untouched.st_ctime_ns,
    )
    assert history(home) == []
    assert not [name for name in files(home) if name.endswith(".tmp")]


def test_changed_before_the_run(home: Path) -> None:
    paths = [config(home / f"{number}.yaml", b"edited\n") for number in range(12)]
    with pytest.raises(Refused, match=r"0\.yaml, .* and 2 more"):
        run(home, *paths, config(home / "good.yaml"))
    assert (home / "good.yaml").read_bytes() == OLD


def test_a_read_only_file_is_refused_even_for_root(home: Path) -> None:
    other, path = config(home / "other.yaml"), config(home / "a.yaml")
    path.chmod(0o444)
    with pytest.raises(Unreadable, match="the file is read-only") as caught:
        run(home, other, path)
    assert f"chmod u+w {path}" in str(caught.value)
    assert other.read_bytes() == OLD


def test_a_read_only_folder_is_refused_even_for_root(home: Path) -> None:
    path = config(home / "sub" / "a.yaml")
    path.parent.chmod(0o555)
    try:
        with pytest.raises(Unreadable, match="the folder is read-only") as caught:
            run(home, path)
    finally:
        path.parent.chmod(0o755)
    assert f"chmod u+w {path.parent}" in str(caught.value)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("blocked", [".cfgmig", ".cfgmig/journal", ".cfgmig/lock"])
def test_a_journal_that_cannot_be_kept(home: Path, blocked: str) -> None:
    path = config(home / "a.yaml")
    if blocked.endswith("lock"):
        (home / blocked).mkdir(parents=True)
    else:
        config(home / blocked)
    with pytest.raises(Unreadable, match="the journal cannot be kept here"):
        run(home, path)
    assert path.read_bytes() == OLD
    assert files(home) == ["a.yaml"]


def test_a_home_that_does_not_exist(tmp_path: Path) -> None:
    path = config(tmp_path / "a.yaml")
    with pytest.raises(Unreadable, match="the journal cannot be kept here"):
        run(tmp_path / "nowhere", path)


def test_progress(home: Path) -> None:
    paths = [config(home / "a.yaml"), config(home / "b.yaml")]
    seen: list[tuple[str, int, int]] = []
    changes = [FileChange(path, OLD, NEW) for path in paths]
    Transaction(home).run(changes, command="x", on_progress=lambda *step: seen.append(step))
    assert seen == [("stage", 1, 2), ("stage", 2, 2), ("replace", 1, 2), ("replace", 2, 2)]


def test_a_thousand_files_come_and_go(home: Path) -> None:
    paths = [config(home / f"{number % 9}" / f"{number}.yaml") for number in range(1000)]
    run(home, *paths)
    assert {path.read_bytes() for path in paths} == {NEW}
    undo(home)
    assert {path.read_bytes() for path in paths} == {OLD}


def test_where_no_thread_may_start_files_are_flushed_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    files = [tmp_path / f"{number}.yaml" for number in range(20)]
    for file in files:
        file.write_bytes(b"a: 1\n")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    changes = [FileChange(file, b"a: 1\n", b"a: 2\n") for file in files]
    assert len(Transaction(tmp_path).run(changes, command="test").written) == 20
    assert all(file.read_bytes() == b"a: 2\n" for file in files)
