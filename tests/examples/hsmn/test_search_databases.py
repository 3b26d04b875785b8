"""Searches on database servers, which a test starts if they are installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState

from examples.hsmn.search.trials import STARTED

from .test_search import sweep_file
from .train_helpers import start


def _tool(*names: str) -> str | None:
    """The first program of these names; Debian keeps PostgreSQL's away from the path."""
    for name in names:
        usual = sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))
        found = shutil.which(name) or next(reversed(usual), None)
        if found is not None:
            return found
    return None


def _driver(*names: str) -> str | None:
    return next((one for one in names if find_spec(one.lower()) or find_spec(one)), None)


@contextmanager
def _running(
    folder: Path, make: list[str], serve: list[str], ready: str, end: signal.Signals
) -> Iterator[None]:
    """A server from the making of its files until a signal ends it."""
    # Neither server runs as root.
    user = "nobody" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    made = subprocess.run(make, check=False, capture_output=True, text=True, user=user, cwd=folder)
    assert made.returncode == 0, made.stdout + made.stderr
    process = subprocess.Popen(serve, stderr=subprocess.PIPE, text=True, user=user, cwd=folder)
    try:
        assert process.stderr is not None
        told = []
        for line in process.stderr:
            told.append(line)
            if ready in line:
                break
        assert process.poll() is None, told
        yield
    finally:
        process.send_signal(end)
        process.communicate(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """URL of a server that lives as long as the test; skips where none can be started."""
    initdb, server = _tool("initdb"), _tool("postgres")
    if initdb is None or server is None:
        pytest.skip("no PostgreSQL server is installed")
    driver = _driver("psycopg2", "psycopg", "pg8000")
    if driver is None:
        pytest.skip("no PostgreSQL driver is installed (psycopg2, psycopg or pg8000)")
    port, data = _free_port(), str(folder / "data")
    make = [initdb, "-D", data, "-U", "tester", "-A", "trust", "--no-sync"]
    serve = [server, "-D", data, "-p", str(port), "-k", str(folder), "-F"]
    serve += ["-c", "listen_addresses=127.0.0.1"]
    # The signal that waits for no client.
    with _running(folder, make, serve, "ready to accept connections", signal.SIGINT):
        yield f"postgresql+{driver}://tester@127.0.0.1:{port}/postgres"


@contextmanager
def mysql(folder: Path) -> Iterator[str]:
    """The same for MySQL or MariaDB, whose server has no database for users from the start."""
    server, install = _tool("mariadbd", "mysqld"), _tool("mariadb-install-db", "mysql_install_db")
    if server is None:
        pytest.skip("no MySQL or MariaDB server is installed")
    driver = _driver("pymysql", "MySQLdb")
    if driver is None:
        pytest.skip("no MySQL driver is installed (pymysql or mysqlclient)")
    port, data = _free_port(), f"--datadir={folder / 'data'}"
    if install is None:
        make = [server, "--no-defaults", "--initialize-insecure", data]
    else:
        make = [install, "--no-defaults", data, "--auth-root-authentication-method=normal"]
    serve = [server, "--no-defaults", data, f"--port={port}", "--bind-address=127.0.0.1"]
    serve += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    with _running(folder, make, serve, "ready for connections", signal.SIGTERM):
        url = f"mysql+{driver.lower()}://root@127.0.0.1:{port}"
        engine = sqlalchemy.create_engine(f"{url}/mysql")
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE DATABASE searches"))
        engine.dispose()
        yield f"{url}/searches"


@pytest.mark.slow
@pytest.mark.parametrize("server", [postgresql, mysql], ids=lambda one: one.__name__)
def test_two_processes_share_a_server(
    tmp_path: Path, server: Callable[[Path], AbstractContextManager[str]]
) -> None:
    # Not below `tmp_path`, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="db-") as folder, server(Path(folder)) as url:
        process = start(
            *("examples.hsmn.search", sweep_file(tmp_path), "--out", tmp_path / "out"),
            *("--workers", 2, "--trials", 2, "--storage", url),
        )
        said, told = process.communicate(timeout=300)
        assert process.returncode == 0, told[-3000:]
        assert "2 trials trained to the end" in said
        assert not (tmp_path / "out/study.db").exists()
        trials = optuna.load_study(study_name="s", storage=url).get_trials()
        done = [one for one in trials if one.user_attrs.get(STARTED)]
        assert [one.state for one in done] == [TrialState.COMPLETE] * 2
