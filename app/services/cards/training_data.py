"""The section of a model card that tells where the training images came from."""

import models
from app.services.cards.content import Section, Table

STARTED = "Training started from another network, which may have seen more data than this: see docs/networks.md."


def training_data_section(task: models.Task, card: models.Card | None) -> Section:
    """Each source with its licence, its known bias and the number of its images that this network learned from.

    Without a card all declared sources, each with 0 images.
    """
    trained = dict(card.training_images) if card else {}
    rows = [
        (source.name, source.licence, source.bias, f"{sum(trained.pop(name, 0) for name in source.datasets):,}")
        for source in task.sources
        if card is None or trained.keys() & source.datasets
    ]
    rows += [(name, "Not declared.", "Not declared.", f"{count:,}") for name, count in trained.items()]
    columns = ("Source", "Licence", "Known bias", "Training images")
    return Section(
        key="data",
        title="Training data",
        paragraphs=(
            "Licences are those of the images; several allow research only.",
            *((STARTED,) if card and card.training.start is models.Start.NETWORK else ()),
        ),
        tables=(Table("Sources of the training images", columns, tuple(rows), word_columns=3),) if rows else (),
    )
