"""What a server and all its processes use: memory and processor time."""

import os
from pathlib import Path

from bench.table import MEGABYTE

TICKS = os.sysconf("SC_CLK_TCK")


def family(root: int) -> list[int]:
    """The process and all its descendants."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text(encoding="ascii").split()
    return [root, *(process for child in children for process in family(int(child)))]


def pss_mb(root: int) -> float:
    """Proportional set size of a process and its descendants, in MB: a page that several share counts once."""
    return sum(_pss_kb(process) for process in family(root)) * 1024 / MEGABYTE


def processor_ms(root: int) -> float:
    """Milliseconds that a process and its descendants have spent on processors, all cores together."""
    return sum(_ticks(process) for process in family(root)) * 1000 / TICKS


def _pss_kb(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _ticks(process: int) -> int:
    """In user and in system mode: fields 14 and 15 of proc_pid_stat(5), counted after the name in brackets."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
