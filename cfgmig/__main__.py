"""`python -m cfgmig`."""

from __future__ import annotations

from cfgmig.cli.main import main

if __name__ == "__main__":
    main()
