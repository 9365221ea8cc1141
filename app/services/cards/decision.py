"""The section of a model card that tells how it decides, and how often it does not."""

from collections.abc import Iterator

import models
from app.services.cards.content import Section, Table
from app.services.cards.tables import cell, measures_table

# What stands here instead of with how good the answers are.
ABSTENTION = (
    models.Metric.DECIDED,
    models.Metric.ACCURACY_WHEN_DECIDED,
    models.Metric.REFUSED,
    models.Metric.NOT_ASKED,
    models.Metric.INCONCLUSIVE,
    models.Metric.ANSWERED,
    models.Metric.ACCURACY_WHEN_ANSWERED,
    models.Metric.COVERAGE,
    models.Metric.MEAN_SET_SIZE,
    models.Metric.AURC,
)
POINTS = {
    models.OperatingPoint.BALANCED: "balanced",
    models.OperatingPoint.SENSITIVITY_95: "high sensitivity (95 %)",
}
POINT_COLUMNS = (
    "Answer",
    "Operating point",
    "Operating threshold",
    "Sensitivity",
    "Specificity",
    "Rule-out threshold",
    "Coverage",
)


def decision_section(task: models.Task, card: models.Card) -> Section:
    """Thresholds of each answer with what they reach, and how often the network answers at all."""
    abstention = {
        head: [one for one in card.overall(head.key).measures if one.metric in ABSTENTION] for head in task.heads
    }
    return Section(
        key="decision",
        title="Decision and abstention",
        paragraphs=tuple(_decision_words(task, card)),
        tables=(
            *(_points_table(head, card) for head in task.heads),
            *(
                measures_table(f"{head.title}: how often it answers", measures)
                for head, measures in abstention.items()
                if measures
            ),
        ),
    )


def _decision_words(task: models.Task, card: models.Card) -> Iterator[str]:
    yield (
        "An answer at or above its rule-out threshold stays possible, and so does every answer that is more probable. "
        "Exactly one possible answer is given as the result; several or none make the image inconclusive."
    )
    share = f"{100 * (1 - card.calibration.fits[task.primary].miss_rate):.0f} in 100"
    abroad = card.elsewhere
    if abroad:
        yield (
            f"{task.head(task.primary).title}: temperature and thresholds were fitted on images of sources that the "
            "networks of that measurement had never seen, so that there at most "
            f"{100 * models.MOST_WRONG:.0f} in 100 images were answered wrongly and at most "
            f"{100 * models.MOST_CALLED_CLEAR:.0f} in 100 of the ill called clear. More images are not decided for it."
        )
    at_home = [head for head in task.heads if not (abroad and head.key == task.primary)]
    several = [head.title for head in at_home if len(head.labels) > 2]
    if several:
        yield (
            f"{'; '.join(several)}: thresholds were set on validation images so that {share} of each answer's own "
            "images keep it possible (class-conditional conformal prediction)."
        )
    two = [head.title for head in at_home if len(head.labels) == 2]
    if two:
        yield (
            f"{'; '.join(two)}: the thresholds are the edges of a band of probabilities in which neither answer is "
            f"given; {share} of each answer's own validation images, or more, do not have it ruled out."
        )
    points = {label.operating_point for head in task.heads for label in head.labels}
    if models.OperatingPoint.SENSITIVITY_95 in points:
        yield (
            "An answer held at high sensitivity must not be missed: it is not excluded even at a low probability. "
            "It then stands apart and does not make more probable answers possible."
        )
    yield (
        "Decided and coverage (the right answer is not ruled out) are of the network alone, whatever the gate says. "
        "Refused, inconclusive and answered are what a user meets."
    )


def _points_table(head: models.Head, card: models.Card) -> Table:
    overall = card.overall(head.key)
    rows = tuple(_point_row(label, card.heads[head.key], overall.of(label.key)) for label in head.labels)
    return Table(f"{head.title}: operating points", POINT_COLUMNS, rows, word_columns=2)


def _point_row(label: models.Label, fitted: models.HeadCard, measures: tuple[models.Measure, ...]) -> tuple[str, ...]:
    point = label.operating_point
    return (
        label.name,
        POINTS[point],
        f"{fitted.operating_points[point][label.key]:.3f}",
        cell(models.find_measure(measures, models.Metric.SENSITIVITY_AT_OPERATING_POINT)),
        cell(models.find_measure(measures, models.Metric.SPECIFICITY_AT_OPERATING_POINT)),
        f"{fitted.thresholds[label.key]:.3f}",
        cell(models.find_measure(measures, models.Metric.COVERAGE)),
    )
