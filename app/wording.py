"""Codes and values to words: what a study, an image or one question came to; states as word, colour and icon."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.entities import FailureCode, ImageStatus, StudyStatus
from models import Decision, Outcome


class Answer(Protocol):
    """One label of a question with its calibrated probability, 0 to 1, and its models.Decision."""

    key: str
    name: str
    probability: float
    decision: str


@dataclass(frozen=True)
class Look:
    """How a stored value is shown: its word, its CSS class and the name of its symbol in static/img/icons.svg."""

    word: str
    css_class: str
    icon: str


OUTCOMES = {
    Outcome.FINDING: Look("Finding", "is-finding", "finding"),
    Outcome.NO_FINDING: Look("No finding", "is-no-finding", "no-finding"),
    Outcome.INCONCLUSIVE: Look("Inconclusive", "is-inconclusive", "inconclusive"),
    Outcome.NOT_ASSESSED: Look("Not assessed", "is-not-assessed", "not-assessed"),
}
# Of studies and of images.
STATUSES = {
    StudyStatus.WAITING: Look("Waiting", "is-pending", "pending"),
    ImageStatus.RECEIVED: Look("Waiting", "is-pending", "pending"),
    StudyStatus.RUNNING: Look("Being analysed", "is-pending", "pending"),
    StudyStatus.DONE: Look("Analysed", "is-done", "no-finding"),
    StudyStatus.INCOMPLETE: Look("Incomplete", "is-failed", "failed"),
    ImageStatus.FAILED: Look("Failed", "is-failed", "failed"),
}
FAILURES = {
    FailureCode.NETWORK_UNAVAILABLE: (
        "The network of {task} cannot be used now. Try again later; if it stays so, tell an administrator."
    ),
    FailureCode.FILE_MISSING: (
        "The stored image is missing, so it could not be analysed. Send the image again as a new study, and tell an "
        "administrator."
    ),
    FailureCode.UNREADABLE: (
        "The stored image cannot be read any more. Send the image again as a new study, and tell an administrator."
    ),
    FailureCode.CRASHED: (
        "The analysis failed on the server and has been logged. Try again; if it fails again, tell an administrator."
    ),
}
DECISIONS = {
    "likely": Look("Likely", "is-likely", "likely"),
    "possible": Look("Possible", "is-possible", "possible"),
    "unlikely": Look("Unlikely", "is-unlikely", "unlikely"),
}

# As many names stand in a brief answer at most; the tables list all.
BRIEF = 3
# What is said of an image, by its outcome or status, instead of an answer.
WITHOUT_ANSWER = {
    Outcome.NOT_ASSESSED: "Not assessed: no finding is given for this image",
    ImageStatus.FAILED: "This image could not be analysed: no finding is given for it",
    ImageStatus.RUNNING: "This image is being analysed",
    ImageStatus.RECEIVED: "Not analysed yet",
}


def words_of_key(key: str) -> str:
    """A stored key as words, for a task or label that is no longer declared: basal_cell -> Basal cell."""
    return key.replace("_", " ").strip().capitalize()


def in_sentence(name: str) -> str:
    """A label's name inside a sentence: lower case at the start, but not an abbreviation or a person's name."""
    first = name.split(" ", 1)[0]
    return name[0].lower() + name[1:] if first[1:].islower() and "'" not in first else name


def listed(names: Sequence[str], word: str = "and") -> str:
    """a; a and b; a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


def number(probability: float) -> str:
    """A probability as two decimals, but never as 0.00 or 1.00: no network is that sure."""
    if probability < 0.01:
        return "<0.01"
    return ">0.99" if probability > 0.99 else f"{probability:.2f}"


def answer(outcome: str, lines: Sequence[Answer]) -> str:
    """The primary head's answer: what is likely, or which answers remain possible. `lines`: most probable first."""
    decided = next((line for line in lines if line.decision == Decision.LIKELY), lines[0])
    if outcome == Outcome.FINDING:
        return f"Likely {in_sentence(decided.name)} (probability {number(decided.probability)})"
    if outcome == Outcome.NO_FINDING:
        return f"{decided.name} (probability {number(decided.probability)})"
    if possible := _possible(lines):
        names = [f"{in_sentence(line.name)} ({number(line.probability)})" for line in possible]
        text = f"{listed(names)} {_remain(names)} possible"
        return text[0].upper() + text[1:]
    top = lines[0]
    return f"No answer is likely; the most probable is {in_sentence(top.name)} ({number(top.probability)})"


def brief_answer(lines: Sequence[Answer], sensitivity_first: Collection[str] = ()) -> str:
    """One question's answer as a step on the way: hand (0.98); or what it hangs between, three names at most.

    `sensitivity_first`: keys of labels that are held possible at low probabilities rather than missed.
    """
    likely = next((line for line in lines if line.decision == Decision.LIKELY), None)
    if likely:
        return _with_number(likely, sensitivity_first)
    candidates = [_with_number(line, sensitivity_first) for line in (_possible(lines) or lines)[:BRIEF]]
    return f"uncertain: {listed(candidates, 'or')}"


def _with_number(line: Answer, sensitivity_first: Collection[str]) -> str:
    doubt = ", sensitivity first" if line.key in sensitivity_first else ""
    return f"{in_sentence(line.name)} ({number(line.probability)}{doubt})"


def subject(kind: str, line: Answer) -> str:
    """What the image shows, before the answer: X-ray of the hand (0.98)."""
    doubt = "" if line.decision == Decision.LIKELY else ", uncertain"
    return f"{kind} {in_sentence(line.name)} ({number(line.probability)}{doubt})."


def decision(lines: Sequence[Answer]) -> str:
    """How one head decided: where its labels stand against their thresholds."""
    likely = next((line for line in lines if line.decision == Decision.LIKELY), None)
    if likely:
        return f"{likely.name}: the only answer above its threshold."
    names = [in_sentence(line.name) for line in _possible(lines)]
    return f"Not decided: {listed(names)} {_remain(names)} possible." if names else "Not decided: no answer is likely."


def _possible(lines: Sequence[Answer]) -> list[Answer]:
    return [line for line in lines if line.decision == Decision.POSSIBLE]


def _remain(names: Sequence[str]) -> str:
    return "remains" if len(names) == 1 else "remain"


def state_look(state: str) -> Look:
    """The look of an outcome, or of a status where there is none yet; KeyError for a value that no service stores."""
    return OUTCOMES[state] if state in OUTCOMES else STATUSES[state]


def failure_text(code: str, values: dict[str, object], text: str, task_title: str) -> str:
    """Why an image could not be analysed and what to do: of a stored FailureCode, or an older row's own text."""
    return FAILURES[code].format(**values | {"task": task_title}) if code else text


def study_without_result(status: str, images: Sequence[str]) -> str:
    """What is said of a study that is not done, by its status and those of its images."""
    if status == StudyStatus.INCOMPLETE:
        return _incomplete(sum(image == ImageStatus.FAILED for image in images), len(images))
    done = sum(image == ImageStatus.DONE for image in images)
    begun = "The images are being analysed" if status == StudyStatus.RUNNING else "Not analysed yet"
    return f"{begun}: {done} of {len(images)} images are done" if done else begun


def _incomplete(failed: int, count: int) -> str:
    if count == 1:
        return "The image could not be analysed: there is no result"
    return f"{failed} of {count} images could not be analysed: no result for the study"


def decision_look(decision: str) -> Look:
    """The look of a label's decision; KeyError for a value that no service stores."""
    return DECISIONS[decision]


def utc_text(moment: datetime) -> str:
    """A naive UTC time in words: 3 Feb 2026, 14:05 UTC."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
