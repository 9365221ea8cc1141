"""The locked packages: nothing with a known fault, everything with its hash, nothing that belongs to one machine."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
WISHES = sorted(path.name for path in ROOT.glob("requirements*.in"))
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\$")
# The first release without the faults of what reads strangers' files and requests. Raise one when an advisory says so.
FLOORS = {
    "pillow": (12, 3, 0),  # CVE-2026-40192, CVE-2026-59204 and others: bombs, loops and writes out of bounds
    "keras": (3, 11, 3),  # CVE-2025-1550, GHSA-36rr-ww3j-vrjv: code run by a model file
    "werkzeug": (3, 1, 5),  # CVE-2026-21860, CVE-2024-49767: file names, memory of forms
    "flask": (3, 1, 0),  # MAX_FORM_MEMORY_SIZE, MAX_FORM_PARTS and TRUSTED_HOSTS begin here
}


def pins(lock: str) -> list[tuple[str, str]]:
    """Name and version of everything in a lock; a package may have one version for each range of Pythons."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    return [match.groups() for line in lines if (match := PIN.match(line))]


@pytest.mark.parametrize("package", FLOORS)
def test_no_version_has_a_known_fault(package):
    versions = [version for lock in LOCKS for name, version in pins(lock) if name == package]
    assert versions
    assert all(tuple(map(int, version.split("."))) >= FLOORS[package] for version in versions), versions


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_with_its_hashes(lock):
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8"))
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert len(packages) == len(pins(lock)) > 0
    assert all("--hash=sha256:" in package for package in packages)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize("wish", WISHES)
def test_a_lock_holds_what_was_asked_for(wish):
    asked = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / wish).read_text(encoding="utf-8"), re.MULTILINE)
    assert {(name.lower(), version) for name, version in asked} <= set(pins(wish.replace(".in", ".txt")))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_lock_agrees_with_that_of_the_server(lock):
    served = pins("requirements.txt")
    names = {name for name, _ in served}
    assert {pin for pin in pins(lock) if pin[0] in names} <= set(served)
