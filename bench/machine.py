"""On what, and with what, was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.table import MEGABYTE

PACKAGES = ("Flask", "gunicorn", "SQLAlchemy", "numpy", "Pillow", "opencv-python-headless", "ai-edge-litert",
            "tensorflow", "keras", "reportlab")  # fmt: skip
ROOT = Path(__file__).parents[1]


def facts() -> dict[str, str]:
    """Name -> value of what the numbers depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MEGABYTE
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "version": _revision(),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory:,.0f} MB",
        "load when it began": f"{os.getloadavg()[0]:.1f} processes waiting for a core",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _revision() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "not in version control"
