"""Every stored word has a look, and every look is drawn."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from app.entities import FailureCode, ImageStatus, StudyStatus
from app.filters import file_size, short_name, utc_iso
from app.services.report.pdf.style import STATE_COLOURS
from app.services.studies.state import ORDER
from app.wording import DECISIONS, FAILURES, OUTCOMES, STATUSES, utc_text
from models import Decision, Outcome

STATIC = Path(__file__).parents[2] / "static"


def test_every_stored_value_has_a_look():
    assert set(OUTCOMES) == set(ORDER) == set(Outcome)
    assert set(STATUSES) == set(ImageStatus) | set(StudyStatus)
    assert set(FAILURES) == set(FailureCode)
    assert set(STATE_COLOURS) == {*OUTCOMES, *STATUSES} - {"done"}
    assert set(DECISIONS) == {decision.value for decision in Decision}


@pytest.mark.parametrize(
    "look", [*OUTCOMES.values(), *STATUSES.values(), *DECISIONS.values()], ids=lambda look: look.word
)
def test_every_look_has_its_symbol(look):
    assert f'<symbol id="{look.icon}"' in (STATIC / "img" / "icons.svg").read_text()


def test_every_outcome_and_status_has_its_colours():
    css = (STATIC / "css" / "lumen.css").read_text()
    for look in (*OUTCOMES.values(), *STATUSES.values()):
        assert f".{look.css_class} {{ --tone:" in css


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(scheme):
    """WCAG 2.2 AA: 4.5 to 1 for text, 3 to 1 for the edges of controls."""
    block = (STATIC / "css" / "lumen.css").read_text().split(":root {")[scheme + 1].split("}")[0]
    colour = {name: luminance(value) for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)}
    tones = ("finding", "no-finding", "inconclusive", "not-assessed", "pending", "danger")
    pairs = [("ink", "bg"), ("ink", "surface"), ("muted", "bg"), ("muted", "surface"), ("muted", "raised")]
    pairs += [("accent", "surface"), ("accent", "bg"), ("on-accent", "accent"), ("accent-strong", "accent-soft")]
    pairs += [(tone, f"{tone}-soft") for tone in tones] + [("ink", f"{tone}-soft") for tone in tones]
    pairs += [("muted", f"{tone}-soft") for tone in tones] + [("danger", "surface")]
    for text, ground in [*pairs, ("control-line", "surface"), ("control-line", "bg"), ("focus", "bg")]:
        high, low = sorted((colour[text], colour[ground]), reverse=True)
        needed = 3 if text in ("control-line", "focus") else 4.5
        assert (high + 0.05) / (low + 0.05) >= needed, (text, ground, (high + 0.05) / (low + 0.05))


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KB"), (16 * 1024**2, "16 MB"), (3_600_000, "3.4 MB")],
)
def test_sizes_in_words(size, words):
    assert file_size(size).replace("\u00a0", " ") == words


def test_times_are_utc():
    moment = datetime(2026, 2, 3, 14, 5, 9)
    assert utc_text(moment) == "3 Feb 2026, 14:05 UTC"
    assert utc_iso(moment) == "2026-02-03T14:05:09Z"


def test_long_names_keep_their_end():
    assert short_name("x" * 48) == "x" * 48
    short = short_name("x" * 100 + ".jpeg", 30)
    assert len(short) == 30
    assert short.endswith("xxxxx.jpeg")
