"""Measure what users feel: python -m bench [PART ...] [--quick] [--out FOLDER]

All parts together write results.md and results.json beside this file; some of them, or a quick run, only say what they
found unless --out is given. A target that is not reached is told and fails nothing: a machine may be slow.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from bench import batch, cold_start, decoding, history, kernel, machine, memory, report, request
from bench.effort import FULL, QUICK
from bench.table import to_markdown, write

PARTS = {
    "kernel": kernel.measure,
    "batch": batch.measure,
    "decoding": decoding.measure,
    "request": request.measure,
    "memory": memory.measure,
    "cold_start": cold_start.measure,
    "report": report.measure,
    "history": history.measure,
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help=f"one of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few repetitions: does everything still run?")
    parser.add_argument("--out", type=Path, help="folder of results.md and results.json")
    options = parser.parse_args(arguments)
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # Lumen serves on processors; so does what it is held against
    facts, rows = machine.facts(), []
    for name in options.part or PARTS:
        start = time.perf_counter()
        rows += PARTS[name](QUICK if options.quick else FULL)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print(to_markdown(facts, rows))
    folder = options.out or (None if options.quick or options.part else Path(__file__).parent)
    if folder:
        write(folder, facts, rows)


if __name__ == "__main__":
    main()
