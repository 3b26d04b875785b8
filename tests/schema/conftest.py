from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.schema import Family


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a cache of its own, which starts empty."""
    home = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setenv("LOCALAPPDATA", str(home))
    return home / "cfgmig"


@pytest.fixture(scope="session")
def demo() -> Family:
    from tests.schema.demo import family

    return family
