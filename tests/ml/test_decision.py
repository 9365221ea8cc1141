"""Probabilities and thresholds to an outcome with its reason."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import models
from models import Decision, Head, Label, Modality, Outcome, Task
from models.card import HeadCard
from models.decision import asked_heads, decide_head, outcome_of
from models.inference import decide, split_heads
from models.task import OperatingPoint
from tests.ml.networks import logit_count

SICK, SICKER, WELL = Label("sick", "Sick"), Label("sicker", "Sicker"), Label("well", "Well", is_finding=False)
HEAD = Head("state", "State", (SICK, SICKER, WELL))
EVEN = {"sick": 0.5, "sicker": 0.5, "well": 0.5}
LOW = {"sick": 0.2, "sicker": 0.2, "well": 0.2}
# The finding is excluded below 0.3 and decided above 0.6.
TWO, BAND = Head("two", "Two", (SICK, WELL)), {"sick": 0.3, "well": 0.4}


def decided(probabilities, thresholds=EVEN):
    return decide_head(HEAD, np.array(probabilities), thresholds)


def test_one_label_above_its_threshold_decides():
    found = decided([0.7, 0.2, 0.1])
    assert found.decided is SICK
    assert [line.decision for line in found.labels] == [Decision.LIKELY, Decision.UNLIKELY, Decision.UNLIKELY]
    assert found.reason == "Only Sick reaches its threshold."
    assert outcome_of(found) is Outcome.FINDING


def test_the_answer_nothing_is_seen_is_no_finding():
    found = decided([0.1, 0.2, 0.7])
    assert found.decided is WELL
    assert outcome_of(found) is Outcome.NO_FINDING


def test_two_labels_above_are_possible_and_inconclusive():
    found = decided([0.45, 0.35, 0.1], LOW)
    assert found.decided is None
    assert [line.decision for line in found.labels] == [Decision.POSSIBLE, Decision.POSSIBLE, Decision.UNLIKELY]
    assert found.reason == "The network cannot choose between Sick and Sicker."
    assert outcome_of(found) is Outcome.INCONCLUSIVE


def test_three_labels_above_are_listed():
    assert decided([0.4, 0.3, 0.3], LOW).reason == "The network cannot choose between Sick, Sicker and Well."


def test_no_label_above_is_inconclusive():
    found = decided([0.4, 0.3, 0.3])
    assert found.decided is None
    assert {line.decision for line in found.labels} == {Decision.UNLIKELY}
    assert found.reason.startswith("No answer reaches its threshold")
    assert outcome_of(found) is Outcome.INCONCLUSIVE


def test_a_label_at_its_threshold_counts_as_above():
    assert decided([0.5, 0.3, 0.2]).decided is SICK


def test_each_label_has_its_own_threshold():
    assert decided([0.6, 0.1, 0.3], {"sick": 0.7, "sicker": 0.5, "well": 0.4}).decided is None
    assert decided([0.6, 0.1, 0.3], {"sick": 0.55, "sicker": 0.5, "well": 0.4}).decided is SICK


def test_a_label_that_another_one_outweighs_never_decides_alone():
    """A rare label's threshold is low; reaching it while another is likelier leaves both possible."""
    found = decided([0.3, 0.1, 0.6], {"sick": 0.25, "sicker": 0.5, "well": 0.9})
    assert found.decided is None
    assert [line.decision for line in found.labels] == [Decision.POSSIBLE, Decision.UNLIKELY, Decision.POSSIBLE]
    assert found.top.label is WELL


def test_what_must_not_be_missed_says_why_it_stays_possible():
    dreaded = dataclasses.replace(SICKER, operating_point=OperatingPoint.SENSITIVITY_95)
    head = Head("state", "State", (SICK, dreaded, WELL))
    thresholds = {"sick": 0.4, "sicker": 0.05, "well": 0.4}
    unsure = decide_head(head, np.array([0.1, 0.1, 0.8]), thresholds)
    assert unsure.reason == (
        "The network cannot choose between Sicker and Well. "
        "Sicker must not be missed, so it stays possible at low probabilities too."
    )
    leading = decide_head(head, np.array([0.4, 0.5, 0.1]), thresholds)
    assert leading.reason == "The network cannot choose between Sick and Sicker."


@pytest.mark.parametrize(("p", "decided"), [(0.0, WELL), (0.29, WELL), (0.61, SICK), (1.0, SICK)])
def test_outside_the_band_one_of_two_labels_is_decided(p, decided):
    found = decide_head(TWO, np.array([p, 1 - p]), BAND)
    assert found.decided is decided
    assert {line.decision for line in found.labels} == {Decision.LIKELY, Decision.UNLIKELY}
    assert found.reason == f"Only {decided.name} reaches its threshold."


@pytest.mark.parametrize("p", [0.3, 0.47, 0.5, 0.6])
@pytest.mark.parametrize("head", [TWO, Head("two", "Two", (WELL, SICK))], ids=["finding first", "finding last"])
def test_inside_the_band_both_labels_remain_possible(head, p):
    probabilities = [p, 1 - p] if head.labels[0] is SICK else [1 - p, p]
    found = decide_head(head, np.array(probabilities), BAND)
    assert outcome_of(found) is Outcome.INCONCLUSIVE
    assert {line.decision for line in found.labels} == {Decision.POSSIBLE}
    assert found.reason == (
        f"Sick has a probability of {p:.2f}, which lies between 0.30 and 0.60, where right and wrong answers mix."
    )


def test_labels_keep_their_order_and_probabilities():
    found = decided([0.2, 0.5, 0.3])
    assert [line.label for line in found.labels] == [SICK, SICKER, WELL]
    assert [line.probability for line in found.labels] == [0.2, 0.5, 0.3]
    assert found.top.label is SICKER


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_probabilities_is_an_error(count):
    with pytest.raises(ValueError, match="zip"):
        decided([1 / count] * count)


def two_parts() -> Task:
    """Two parts, a fracture head with a specialist for each, and a type head for what is not ruled out as sick."""
    part = Head("part", "Part", (Label("hand", "Hand"), Label("knee", "Knee")))
    state = Head("state", "State", (SICK, WELL), conditioned_on="part")
    kind = Head("kind", "Kind", (Label("a", "A"), Label("b", "B"), Label("c", "C")), asked_if=("state", "sick"))
    return Task(
        name="made_up",
        title="Made up",
        question="?",
        image_kind="",
        modality=Modality.BONE_XRAY,
        default_network="cnn",
        heads=(part, state, kind),
        primary="state",
        intended_use="",
        limitations=(),
    )


def card_for(task: Task, threshold: float = 0.5):
    heads = {head.key: HeadCard(1.0, {label.key: threshold for label in head.labels}, {}) for head in task.heads}
    return SimpleNamespace(heads=heads)


def test_logits_are_split_head_by_head():
    parts = {head.key: values for head, values in split_heads(two_parts(), np.arange(9.0))}
    assert parts["part"].tolist() == [0, 1]
    assert parts["state"].tolist() == [[2, 3], [4, 5]]
    assert parts["kind"].tolist() == [6, 7, 8]


@pytest.mark.parametrize(("part_logits", "expected"), [([9, 0], "sick"), ([0, 9], "well")])
def test_the_specialist_of_the_part_found_answers(part_logits, expected):
    hand_says_sick, knee_says_well = [5, 0], [0, 5]
    logits = np.array([*part_logits, *hand_says_sick, *knee_says_well, 0, 0, 0], float)
    state = decide(two_parts(), card_for(two_parts()), logits)[1]
    assert state.decided.key == expected


@pytest.mark.parametrize(
    ("state_logits", "decision", "is_asked"),
    [([5, 0], Decision.LIKELY, True), ([0, 0], Decision.POSSIBLE, True), ([0, 5], Decision.UNLIKELY, False)],
)
def test_a_head_is_asked_while_its_label_is_not_ruled_out(state_logits, decision, is_asked):
    task = two_parts()
    results = decide(task, card_for(task), np.array([9, 0, *state_logits, 0, 0, 1, 0, 0], float))
    assert results[1].labels[0].decision is decision
    asked = [result.head.key for result in asked_heads(results)]
    assert asked == (["part", "state", "kind"] if is_asked else ["part", "state"])


@pytest.mark.parametrize("task", models.all_tasks(), ids=lambda task: task.name)
def test_logits_of_every_task_are_used_up(task):
    size = logit_count(task)
    found = decide(task, card_for(task), np.random.default_rng(0).normal(size=size))
    assert [result.head for result in found] == list(task.heads)
    for result in found:
        assert sum(line.probability for line in result.labels) == pytest.approx(1)
    used = np.concatenate([values.ravel() for _, values in split_heads(task, np.arange(size))])
    assert used.tolist() == list(range(size))
