"""The section of a model card that tells what to expect of images from another hospital."""

import models
from app.services.cards.content import Section, Table
from app.services.cards.tables import cell, crossed_table

KEY, TITLE = "elsewhere", "Elsewhere: images of sources that were never seen"
UNKNOWN = "Not measured yet: what to expect of images from another hospital is not known."
PATIENTS_APART = (
    " Patients apart: one more such network, on images of its own sources, split more strictly, so that neighbouring "
    "slices of one patient are not on both sides."
)
SHOWN = (
    models.Metric.ACCURACY,
    models.Metric.ILL_AUC,
    models.Metric.ANSWERED,
    models.Metric.ANSWERED_WRONGLY,
    models.Metric.CALLED_CLEAR,
)


def elsewhere_section(task: models.Task, card: models.Card) -> Section:
    """Measures of networks that were asked about sources left out of their training, or that there are none."""
    found = card.elsewhere
    if found is None:
        return Section(KEY, TITLE, paragraphs=(UNKNOWN,))
    ill = ", ".join(task.labels[index].name for index in task.head(task.primary).ill)
    return Section(
        key=KEY,
        title=TITLE,
        paragraphs=(
            f"Measured on {found.created} with {len(found.folds)} short networks ({found.network}, {found.side} "
            f"pixels, {found.epochs} epochs), each trained without the sources that it was asked about. The network "
            "that serves learned longer and from all of them; no test image took part.",
            "At home, in this section: the same short networks on validation images of the sources that they did learn "
            f"from, by thresholds fitted on these images.{PATIENTS_APART if found.apart else ''}",
            "Answered: one answer remained, by thresholds fitted on the other sources left out; the gate took no part. "
            f"Ill: {ill}. Ill, called clear: of their images, those answered with none of these.",
        ),
        tables=(_beside_home(found), _by_source(found)),
    )


def _beside_home(found: models.Elsewhere) -> Table:
    places = {"At home": found.home, "At home, patients apart": found.apart, "Elsewhere": found.overall}
    known = {place: measures.measures for place, measures in places.items() if measures}
    rows = tuple(
        (one.metric.words, *(cell(models.find_measure(measures, one.metric)) for measures in known.values()))
        for one in found.overall.measures
    )
    return Table("At home and elsewhere: short networks of one recipe", ("Measure", *known), rows)


def _by_source(found: models.Elsewhere) -> Table:
    shown = {name: models.chosen(measures.measures, SHOWN) for name, measures in found.folds.items()}
    return crossed_table("Elsewhere, by sources left out", "Left out", shown)
