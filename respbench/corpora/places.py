"""Where prepared corpora, features and downloaded recordings are kept; results don't depend on it."""

import os
from pathlib import Path

from platformdirs import user_cache_path

PROJECT = Path(__file__).resolve().parents[2]
"""The clone, if this is one."""

IN_CLONE = (PROJECT / "pyproject.toml").is_file()
"""Whether this code is in a clone of the project, and not installed among other packages."""

CACHE = Path(os.environ.get("RESPBENCH_CACHE") or (PROJECT / "cache" if IN_CLONE else user_cache_path("respbench")))
"""Prepared corpora and features: derived data, safe to delete (`make clean`)."""

ICBHI_FOLDER = (PROJECT if IN_CLONE else Path.cwd()) / "data" / "ICBHI_final_database"
"""Where `make data` or, outside a clone, ``respbench data`` puts the database."""
