"""The section of a model card that tells how far its probabilities can be trusted."""

import models
from app.services.cards.content import ReliabilityDiagram, Section, Table

# A bin of fewer answers says little about how far its probability is off.
FEW = 20


def calibration_section(task: models.Task, card: models.Card) -> Section:
    """Errors before and after calibration, and a reliability diagram, for each question."""
    bins = {head: card.reliability(head.key) for head in task.heads}
    return Section(
        key="calibration",
        title="Calibration",
        paragraphs=(
            "Of answers given with a probability of 0.80, about 80 in 100 should be right. One temperature for each "
            "question is fitted on validation images for this (temperature scaling). On few images, some error remains "
            "by chance even where probabilities are exact; the model performance says how much.",
        ),
        tables=tuple(_errors_table(head, card) for head in task.heads),
        diagrams=tuple(_diagram(head, some) for head, some in bins.items() if some),
    )


def _errors_table(head: models.Head, card: models.Card) -> Table:
    fit, temperature = card.calibration.fits[head.key], card.heads[head.key].temperature
    errors = (
        (models.Metric.ECE, fit.before.ece, fit.after.ece),
        (models.Metric.BRIER_SCORE, fit.before.brier, fit.after.brier),
        (models.Metric.NEGATIVE_LOG_LIKELIHOOD, fit.before.nll, fit.after.nll),
    )
    rows = tuple((metric.words, f"{before:.3f}", f"{after:.3f}", f"{fit.n:,}") for metric, before, after in errors)
    caption = f"{head.title}: validation images before and after calibration (temperature {temperature:.2f})"
    return Table(caption, ("Error", "Before", "After", "Images"), rows)


def _diagram(head: models.Head, bins: tuple[models.ReliabilityBin, ...]) -> ReliabilityDiagram:
    rows = tuple((f"{b.confidence:.2f}", f"{b.accuracy:.2f}", f"{b.n:,}") for b in bins)
    return ReliabilityDiagram(
        key=f"reliability-{head.key}",
        title=f"{head.title}: reliability diagram",
        description=_described(bins),
        bins=bins,
        table=Table(f"{head.title}: the diagram in numbers", ("Mean probability", "Accuracy", "Images"), rows),
    )


def _described(bins: tuple[models.ReliabilityBin, ...]) -> str:
    text = (
        f"The mean probability of the most probable answer against its accuracy, on {sum(b.n for b in bins):,} test "
        "images. On the dashed line both are equal."
    )
    full = [b for b in bins if b.n >= FEW]
    if not full:
        return text
    worst = max(full, key=lambda b: abs(b.confidence - b.accuracy))
    return (
        f"{text} Where they differ most (among bins of {FEW} images or more), the mean probability was "
        f"{worst.confidence:.2f} and the accuracy {worst.accuracy:.2f}."
    )
