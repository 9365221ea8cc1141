"""Codes and values to words: what a study, an image or one question came to; states as word, colour and icon."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import models
from app.entities import FailureCode, ImageStatus, StudyStatus
from app.wording.dicom import VIEWS, code_text, modality_text
from app.wording.reasons import REASONS, RIGHTED
from models import Decision, Outcome


class Answer(Protocol):
    """One label of a question with its calibrated probability, 0 to 1, and its models.Decision."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def probability(self) -> float: ...
    @property
    def decision(self) -> str: ...


@dataclass(frozen=True)
class Look:
    """How a stored value is shown: its word, its CSS class and the name of its symbol in static/img/icons.svg."""

    word: str
    css_class: str
    icon: str


OUTCOMES: dict[str, Look] = {
    Outcome.FINDING: Look("Finding", "is-finding", "finding"),
    Outcome.NO_FINDING: Look("No finding", "is-no-finding", "no-finding"),
    Outcome.INCONCLUSIVE: Look("Inconclusive", "is-inconclusive", "inconclusive"),
    Outcome.NOT_ASSESSED: Look("Not assessed", "is-not-assessed", "not-assessed"),
}
# Of studies and of images.
STATUSES: dict[str, Look] = {
    StudyStatus.WAITING: Look("Waiting", "is-pending", "pending"),
    ImageStatus.RECEIVED: Look("Waiting", "is-pending", "pending"),
    StudyStatus.RUNNING: Look("Being analysed", "is-pending", "pending"),
    StudyStatus.DONE: Look("Analysed", "is-done", "no-finding"),
    StudyStatus.INCOMPLETE: Look("Incomplete", "is-failed", "failed"),
    ImageStatus.FAILED: Look("Failed", "is-failed", "failed"),
}
FAILURES: dict[str, str] = {
    FailureCode.NETWORK_UNAVAILABLE: (
        "The network for {task} is not available now. Try again later; if this persists, tell an administrator."
    ),
    FailureCode.FILE_MISSING: (
        "The stored image is missing, so it could not be analysed. Send the image again as a new study, and tell an "
        "administrator."
    ),
    FailureCode.UNREADABLE: (
        "The stored image can no longer be read. Send the image again as a new study, and tell an administrator."
    ),
    FailureCode.CRASHED: (
        "The analysis failed on the server and has been logged. Try again; if it fails again, tell an administrator."
    ),
}
DECISIONS = {
    "likely": Look("Likely", "is-likely", "likely"),
    "possible": Look("Possible", "is-possible", "possible"),
    "not_excluded": Look("Not excluded", "is-not-excluded", "not-excluded"),
    "unlikely": Look("Unlikely", "is-unlikely", "unlikely"),
}

# What the button says that sends a refused image again, put right.
REMEDIES: dict[str, str] = {
    models.ReasonCode.TURNED: "Analyse it upright",
    models.ReasonCode.INVERTED: "Analyse it with light and dark exchanged",
    models.ReasonCode.TWO_PICTURES: "Analyse each half by itself",
}
QUALITY_PARTS = {
    models.QualityPart.SHARPNESS: "sharpness",
    models.QualityPart.EXPOSURE: "exposure",
    models.QualityPart.FRAMING: "framing",
    models.QualityPart.SIZE: "size",
    models.QualityPart.LIKENESS: "likeness to the training images",
}

# As many names stand in a brief answer at most; the tables list all.
BRIEF = 3
# What is said of an image, by its outcome or status, instead of an answer.
WITHOUT_ANSWER: dict[str, str] = {
    Outcome.NOT_ASSESSED: "Not assessed: no finding is given for this image",
    ImageStatus.FAILED: "This image could not be analysed: no finding is given for it",
    ImageStatus.RUNNING: "This image is being analysed",
    ImageStatus.RECEIVED: "Not analysed yet",
}
RULE_OUT_THRESHOLD = "rule-out threshold {threshold}"
NOT_EXCLUDED_LABEL = "{label} ({probability}; " + RULE_OUT_THRESHOLD + ")"
# What the tables of probabilities say of themselves.
THRESHOLD_MARKS = (
    "Each bar is marked at the rule-out threshold of its label: at or above it, the label is not ruled out."
)
NOT_EXCLUDED_GROUP = "Must not be missed, so not excluded even at a low probability"
# For one name, and for several.
REMAIN_POSSIBLE = ("{names} remains possible", "{names} remain possible")
ARE_NOT_EXCLUDED = ("{names} is not excluded", "{names} are not excluded")


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


def threshold(probability: float) -> str:
    """A threshold as two decimals, or three where two would be 0.00."""
    return f"{probability:.2f}" if probability >= 0.01 else f"{probability:.3f}"


def rule_out_threshold(probability: float) -> str:
    """The name of the mark on a bar, and a fact beside a label that is not excluded: rule-out threshold 0.05."""
    return RULE_OUT_THRESHOLD.format(threshold=threshold(probability))


def label_name(task: models.Task | None, key: str, head: str | None = None) -> str:
    """The name of a label of this head (the primary one if none is given), or its key as words without one."""
    head = head or (task.primary if task else "")
    labels = (label for one in (task.heads if task else ()) if one.key == head for label in one.labels)
    return next((label.name for label in labels if label.key == key), words_of_key(key))


def reason_text(reason: models.Reason, task: models.Task | None = None) -> str:
    """A reason in whole sentences. `task`: the one asked, for the names of its labels.

    Raises KeyError for a code that is not in REASONS, or without a value that its sentence needs.
    """
    words = {key: _value_text(key, reason.values, task) for key in reason.values}
    text = REASONS[reason.code].format(**words)
    return text[0].upper() + text[1:]


def righted_text(code: str, values: Mapping[str, Any]) -> str:
    """What was done to a picture before it was read, in a sentence; empty for a code that is no longer known."""
    return RIGHTED[code].format(kept=f"{round(100 * values.get('kept', 1))} %") if code in RIGHTED else ""


def quality_text(quality: models.Quality) -> str:
    """The quality of a picture in a line: Image quality 82 of 100; weakest: sharpness (64)."""
    weakest = min(quality.parts, key=lambda part: quality.parts[part])
    return f"Image quality {quality.score} of 100; weakest: {QUALITY_PARTS[weakest]} ({quality.parts[weakest]})"


def _value_text(key: str, values: Mapping[str, Any], task: models.Task | None) -> str:
    """The value of this key as it stands inside a sentence."""
    value = values[key]
    match key:
        case "expected" | "seen":
            return label_name(models.MODALITY_TASK, value)
        case "modality":
            return modality_text(value)
        case "body_part" | "view_position":
            return code_text(value, VIEWS)
        case "turned" | "layout":
            return label_name(models.MODALITY_TASK, value, key)
        case "task":
            return _task_title(value)
        case "tasks":
            return listed([_task_title(one) for one in value], "or")
        case "label":
            return _label_in_sentence(task, value, values)
        case "labels":
            return listed([_label_in_sentence(task, label, values) for label in value])
        case "not_excluded":
            return _not_excluded_text(values, task)
        case "probability":
            return number(value)
        case "low" | "high":
            return threshold(value)
    return str(value)


def _label_in_sentence(task: models.Task | None, key: str, values: Mapping[str, Any]) -> str:
    return in_sentence(label_name(task, key, values["head"]))


def _not_excluded_text(values: Mapping[str, Any], task: models.Task | None) -> str:
    """Each label that is not excluded, with its probability and its threshold."""
    facts = zip(values["not_excluded"], values["probabilities"], values["thresholds"], strict=True)
    return listed(
        [
            NOT_EXCLUDED_LABEL.format(
                label=_label_in_sentence(task, key, values), probability=number(p), threshold=threshold(limit)
            )
            for key, p, limit in facts
        ]
    )


def _task_title(name: str) -> str:
    return next((task.title for task in models.all_tasks() if task.name == name), words_of_key(name))


def answer(outcome: str, lines: Sequence[Answer]) -> str:
    """The primary head's answer: what is likely, or which answers remain possible. `lines`: most probable first."""
    decided = next((line for line in lines if line.decision == Decision.LIKELY), lines[0])
    if outcome == Outcome.FINDING:
        return f"Likely {in_sentence(decided.name)} (probability {number(decided.probability)})"
    if outcome == Outcome.NO_FINDING:
        return f"{decided.name} (probability {number(decided.probability)})"
    if text := _undecided(lines, with_numbers=True):
        return text[0].upper() + text[1:]
    top = lines[0]
    return f"No answer is likely; the most probable is {in_sentence(top.name)} ({number(top.probability)})"


def brief_answer(lines: Sequence[Answer], high_sensitivity: Collection[str] = ()) -> str:
    """One question's answer as a step on the way: hand (0.98); or what it hangs between, three names at most.

    `high_sensitivity`: keys of labels that are held possible at low probabilities rather than missed.
    """
    likely = next((line for line in lines if line.decision == Decision.LIKELY), None)
    if likely:
        return _with_number(likely, high_sensitivity)
    candidates = [_with_number(line, high_sensitivity) for line in (_of(lines, Decision.POSSIBLE) or lines)[:BRIEF]]
    text = f"uncertain: {listed(candidates, 'or')}"
    return "; ".join([text, *_not_excluded(lines, with_numbers=True)])


def _with_number(line: Answer, high_sensitivity: Collection[str] = ()) -> str:
    doubt = ", high-sensitivity threshold" if line.key in high_sensitivity else ""
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
    return f"Not decided: {_undecided(lines, with_numbers=False) or 'no answer is likely'}."


def _undecided(lines: Sequence[Answer], *, with_numbers: bool) -> str:
    """What remains possible, and what is not excluded; empty when there is neither."""
    possible = _of(lines, Decision.POSSIBLE)
    names = [_with_number(line) if with_numbers else in_sentence(line.name) for line in possible]
    return "; ".join([*_counted(REMAIN_POSSIBLE, names), *_not_excluded(lines, with_numbers=with_numbers)])


def _not_excluded(lines: Sequence[Answer], *, with_numbers: bool) -> list[str]:
    """One clause, or none where no label is not excluded."""
    kept = _of(lines, Decision.NOT_EXCLUDED)
    numbers = f" ({listed([number(line.probability) for line in kept])})" if kept and with_numbers else ""
    return [clause + numbers for clause in _counted(ARE_NOT_EXCLUDED, [in_sentence(line.name) for line in kept])]


def _of(lines: Sequence[Answer], decision: Decision) -> list[Answer]:
    return [line for line in lines if line.decision == decision]


def _counted(forms: tuple[str, str], names: Sequence[str]) -> list[str]:
    """The form for so many names, or nothing for none."""
    return [forms[len(names) > 1].format(names=listed(names))] if names else []


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
