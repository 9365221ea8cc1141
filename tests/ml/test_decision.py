"""Probabilities and thresholds to an outcome with its reason."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import models
from models import Decision, Head, Label, Modality, Outcome, Reason, Task
from models.calibration import HeadCard
from models.decision import asked_heads, conformal_set, decide_head, outcome_of, prediction_set
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
    return decide_head(HEAD, np.array(probabilities), thresholds, EVEN)


def test_one_label_above_its_threshold_decides():
    found = decided([0.7, 0.2, 0.1])
    assert found.decided is SICK
    assert [line.decision for line in found.labels] == [Decision.LIKELY, Decision.UNLIKELY, Decision.UNLIKELY]
    assert found.reason == Reason("one_label", {"head": "state", "label": "sick"})
    assert outcome_of(found) is Outcome.FINDING


def test_the_answer_nothing_is_seen_is_no_finding():
    found = decided([0.1, 0.2, 0.7])
    assert found.decided is WELL
    assert outcome_of(found) is Outcome.NO_FINDING


def test_two_labels_above_are_possible_and_inconclusive():
    found = decided([0.45, 0.35, 0.1], LOW)
    assert found.decided is None
    assert [line.decision for line in found.labels] == [Decision.POSSIBLE, Decision.POSSIBLE, Decision.UNLIKELY]
    assert found.reason == Reason("several_labels", {"head": "state", "labels": ["sick", "sicker"]})
    assert outcome_of(found) is Outcome.INCONCLUSIVE


def test_labels_above_are_listed_the_most_probable_first():
    assert decided([0.25, 0.35, 0.4], LOW).reason.values["labels"] == ["well", "sicker", "sick"]


def test_no_label_above_is_inconclusive():
    found = decided([0.4, 0.3, 0.3])
    assert found.decided is None
    assert {line.decision for line in found.labels} == {Decision.UNLIKELY}
    assert found.reason == Reason("no_label", {"head": "state"})
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


# The order of words and numbers

DREADED = dataclasses.replace(SICKER, operating_point=OperatingPoint.SENSITIVITY_95)
CAREFUL = Head("state", "State", (SICK, DREADED, WELL))
SENSITIVE = {"sick": 0.4, "sicker": 0.05, "well": 0.4}
BALANCED = {"sick": 0.5, "sicker": 0.3, "well": 0.5}


def carefully(probabilities, thresholds=SENSITIVE):
    return decide_head(CAREFUL, np.array(probabilities), thresholds, BALANCED)


def test_what_is_more_probable_than_a_possible_label_is_possible_too():
    found = decided([0.1, 0.3, 0.6], {"sick": 0.05, "sicker": 0.5, "well": 0.9})
    assert {line.decision for line in found.labels} == {Decision.POSSIBLE}


def test_as_probable_is_as_possible():
    found = decided([0.2, 0.2, 0.6], {"sick": 0.1, "sicker": 0.5, "well": 0.5})
    assert {line.decision for line in found.labels} == {Decision.POSSIBLE}


def test_what_must_not_be_missed_stands_apart_and_lifts_no_other_label():
    found = carefully([0.25, 0.06, 0.69])
    assert [line.decision for line in found.labels] == [Decision.UNLIKELY, Decision.NOT_EXCLUDED, Decision.POSSIBLE]
    assert found.decided is None
    assert outcome_of(found) is Outcome.INCONCLUSIVE
    kept = {"not_excluded": ["sicker"], "probabilities": [0.06], "thresholds": [0.05]}
    assert found.reason == Reason("not_excluded", {"head": "state", "labels": ["well"], **kept})


def test_what_must_not_be_missed_is_possible_where_its_balanced_threshold_keeps_it():
    found = carefully([0.1, 0.3, 0.6])
    assert [line.decision for line in found.labels] == [Decision.UNLIKELY, Decision.POSSIBLE, Decision.POSSIBLE]
    assert found.reason.code == "several_labels"


def test_what_must_not_be_missed_is_possible_above_a_possible_label():
    found = carefully([0.07, 0.1, 0.83], {"sick": 0.06, "sicker": 0.05, "well": 0.4})
    assert {line.decision for line in found.labels} == {Decision.POSSIBLE}


def test_what_must_not_be_missed_is_possible_or_likely_where_it_leads():
    assert carefully([0.36, 0.38, 0.26], {"sick": 0.35, "sicker": 0.05, "well": 0.4}).labels[1].decision == "possible"
    alone = decide_head(CAREFUL, np.array([0.3, 0.4, 0.3]), SENSITIVE, {**BALANCED, "sicker": 0.5})
    assert alone.decided is DREADED


def test_the_most_probable_label_is_possible_beside_one_that_is_not_excluded():
    """Also where it does not reach its own threshold: nobody would follow an answer that is less probable."""
    found = carefully([0.35, 0.27, 0.38])
    assert [line.decision for line in found.labels] == [Decision.UNLIKELY, Decision.NOT_EXCLUDED, Decision.POSSIBLE]


def test_of_two_labels_the_band_decides_also_where_one_must_not_be_missed():
    head = Head("two", "Two", (DREADED, WELL))
    found = decide_head(head, np.array([0.35, 0.65]), {"sicker": 0.3, "well": 0.4}, {"sicker": 0.5, "well": 0.5})
    assert {line.decision for line in found.labels} == {Decision.POSSIBLE}


@pytest.mark.parametrize("task", models.all_tasks(), ids=lambda task: task.name)
def test_sets_hold_the_conformal_set_are_in_order_and_decide_the_same(task):
    """With the thresholds of the network that serves, over all kinds of answers."""
    rng = np.random.default_rng(4)
    for head in task.heads:
        fitted = models.get_card(task).heads[head.key]
        for probabilities in rng.dirichlet(np.full(len(head.labels), 0.3), 400):
            conformal = conformal_set(head, probabilities, fitted.thresholds)
            found = prediction_set(head, probabilities, fitted.thresholds, fitted.operating_points["balanced"])
            assert not (conformal & ~found.members).any()
            assert not (found.possible & found.not_excluded).any()
            assert found.members.any() == conformal.any()
            if conformal.any():
                assert found.possible[probabilities.argmax()]
                assert probabilities[~found.possible].max(initial=-1) < probabilities[found.possible].min()
            alone = conformal.sum() == 1 and conformal[probabilities.argmax()]
            assert (found.members.sum() == 1) == alone


@pytest.mark.parametrize(("p", "decided"), [(0.0, WELL), (0.29, WELL), (0.61, SICK), (1.0, SICK)])
def test_outside_the_band_one_of_two_labels_is_decided(p, decided):
    found = decide_head(TWO, np.array([p, 1 - p]), BAND, {})
    assert found.decided is decided
    assert {line.decision for line in found.labels} == {Decision.LIKELY, Decision.UNLIKELY}
    assert found.reason == Reason("one_label", {"head": "two", "label": decided.key})


@pytest.mark.parametrize("p", [0.3, 0.47, 0.5, 0.6])
@pytest.mark.parametrize("head", [TWO, Head("two", "Two", (WELL, SICK))], ids=["finding first", "finding last"])
def test_inside_the_band_both_labels_remain_possible(head, p):
    probabilities = [p, 1 - p] if head.labels[0] is SICK else [1 - p, p]
    found = decide_head(head, np.array(probabilities), BAND, {})
    assert outcome_of(found) is Outcome.INCONCLUSIVE
    assert {line.decision for line in found.labels} == {Decision.POSSIBLE}
    values = {"head": "two", "label": "sick", "probability": p, "low": 0.3, "high": 0.6}
    assert found.reason == Reason("between_thresholds", values)


def test_labels_keep_their_order_and_probabilities():
    found = decided([0.2, 0.5, 0.3])
    assert [line.label for line in found.labels] == [SICK, SICKER, WELL]
    assert [line.probability for line in found.labels] == [0.2, 0.5, 0.3]
    assert found.top.label is SICKER


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_probabilities_is_an_error(count):
    with pytest.raises(ValueError, match="labels, not"):
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
    heads = {}
    for head in task.heads:
        thresholds = {label.key: threshold for label in head.labels}
        heads[head.key] = HeadCard(1.0, thresholds, {OperatingPoint.BALANCED: thresholds})
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
