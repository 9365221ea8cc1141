"""Measured rows, and how they are written down: a table for people and JSON for programs."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MEGABYTE = 1024 * 1024
HEAD = ("| what | n | median | p95 | unit | target | |", "|---|---|---|---|---|---|---|")


@dataclass(frozen=True)
class Target:
    """What a median or 95th percentile is to reach: at most `limit`, or at least `limit`, in the unit of its row."""

    limit: float
    is_floor: bool = False
    is_of_p95: bool = False

    def is_reached(self, value: float) -> bool:
        return value >= self.limit if self.is_floor else value <= self.limit

    def __str__(self) -> str:
        return f"{'p95 ' * self.is_of_p95}{'at least' if self.is_floor else 'at most'} {number(self.limit)}"


@dataclass(frozen=True)
class Row:
    """One thing that was measured `n` times. `p95` is None where only one number came of it."""

    part: str
    what: str
    unit: str
    n: int
    median: float
    p95: float | None = None
    target: Target | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without one. A single number is its own 95th percentile."""
        if self.target is None:
            return None
        is_of_p95 = self.target.is_of_p95 and self.p95 is not None
        return self.target.is_reached(self.p95 if is_of_p95 else self.median)


def row(part: str, what: str, unit: str, samples: Sequence[float], target: Target | None = None) -> Row:
    """The row of several samples, in `unit`."""
    p95 = percentile(samples, 95) if len(samples) > 1 else None
    return Row(part, what, unit, len(samples), statistics.median(samples), p95, target)


def ratio(part: str, what: str, over: Row, under: Row, target: Target | None = None) -> Row:
    """How many times the median of `under` goes into that of `over`."""
    return Row(part, what, "times", min(over.n, under.n), over.median / under.median, None, target)


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that `share` percent of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(1, math.ceil(len(ordered) * share / 100)) - 1]


def number(value: float) -> str:
    """Three digits that count: 0.123, 1.23, 12.3, 123, 1,234."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    digits = 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}"


def to_markdown(facts: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The facts of the run, then a table for each part."""
    lines = ["# What was measured", "", "Written by `make bench`. 1 MB is 1024 x 1024 bytes.", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    for part in dict.fromkeys(row.part for row in rows):
        lines += ["", f"## {part}", "", *HEAD]
        lines += [_line(row) for row in rows if row.part == part]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    p95 = "" if row.p95 is None else number(row.p95)
    verdict = {None: "", True: "reached", False: "**not reached**"}[row.reached]
    cells = (row.what, f"{row.n:,}", number(row.median), p95, row.unit, str(row.target or ""), verdict)
    return f"| {' | '.join(cells)} |"


def to_json(facts: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The same for programs: {"facts": {...}, "rows": [...]}."""
    records: list[dict[str, Any]] = [asdict(row) | {"reached": row.reached} for row in rows]
    return json.dumps({"facts": dict(facts), "rows": records}, indent=1) + "\n"


def write(folder: Path, facts: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Write results.md and results.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(to_markdown(facts, rows), encoding="utf-8")
    (folder / "results.json").write_text(to_json(facts, rows), encoding="utf-8")
