"""The sections of a model card that tell how well the network performs, in all and by source."""

from collections.abc import Mapping

import models
from app.services.cards.content import Section, Table
from app.services.cards.decision import ABSTENTION
from app.services.cards.tables import crossed_table, measures_table
from app.services.cards.targets import TARGET_COLUMNS, target_row, target_words


def performance_section(task: models.Task, card: models.Card) -> Section:
    """Measures on test images against their targets, for all answers and each; or that there are none yet."""
    title = "Model performance"
    if not card.measures(task.primary):
        return Section(
            "measures", title, paragraphs=("The network has not been evaluated yet: its performance is not known.",)
        )
    measured = {
        head: [one for one in card.overall(head.key).measures if one.metric not in ABSTENTION] for head in task.heads
    }
    answers = {head: card.label_measures(head.key) for head in task.heads}
    return Section(
        key="measures",
        title=title,
        paragraphs=(
            "At home: measured on test images of the same sources as the training images, used neither for training "
            "nor for tuning. Brackets hold the 95 % bootstrap interval over groups of images (patients, where they are "
            "known); n is the number of images.",
            *(("These numbers are of an earlier version of this network.",) if _is_stale(card) else ()),
        ),
        tables=(
            _targets_table(task, card),
            *(measures_table(head.title, measures) for head, measures in measured.items() if measures),
            *(_answers_table(head, by_label) for head, by_label in answers.items() if by_label),
        ),
    )


def _is_stale(card: models.Card) -> bool:
    return card.metrics is not None and card.metrics.sha256 != card.sha256


def _targets_table(task: models.Task, card: models.Card) -> Table:
    targets = (*task.targets, models.CALIBRATION_TARGET)
    rows = tuple(
        target_row(target_words(task, target), target, card.target_measure(task, target)) for target in targets
    )
    return Table("Targets and measured values", TARGET_COLUMNS, rows, word_columns=2)


def _answers_table(head: models.Head, measures: Mapping[str, tuple[models.Measure, ...]]) -> Table:
    named = {label.name: measures[label.key] for label in head.labels if label.key in measures}
    return crossed_table(f"{head.title}: each answer against all others", "Answer", named)


def sources_section(task: models.Task, card: models.Card) -> Section:
    """Measures of each question on the test images of one source at a time."""
    measured = {head: _by_source(card, head.key) for head in task.heads}
    return Section(
        key="sources",
        title="Performance by source",
        paragraphs=(
            "A network that is good on one source and poor on another has learned the source. Sources with one label "
            "only have no AUC.",
        ),
        tables=tuple(
            crossed_table(f"{head.title}, by source", "Source", by_source)
            for head, by_source in measured.items()
            if by_source
        ),
    )


def _by_source(card: models.Card, head: str) -> dict[str, tuple[models.Measure, ...]]:
    together = {f"{name}, all parts": measures for name, measures in card.source_measures(head).items()}
    return together | card.dataset_measures(head)
