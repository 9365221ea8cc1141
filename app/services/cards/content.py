"""The shape of a model card: sections of words, tables and plots. The page and the Markdown render the same."""

from dataclasses import dataclass

import models
from app.services.report.content import RESEARCH_USE


@dataclass(frozen=True)
class Table:
    """Each row has one text per column, the first of which is its heading. After `word_columns` come numbers.

    `note` says before the table how to read it.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    word_columns: int = 1
    note: str = ""


@dataclass(frozen=True)
class ReliabilityDiagram:
    """Probability against share right, bin by bin without the empty ones; `description` and `table` say it in words."""

    key: str
    title: str
    description: str
    bins: tuple[models.ReliabilityBin, ...]
    table: Table


@dataclass(frozen=True)
class Section:
    """Rendered in this order: paragraphs, a list, tables, diagrams, commands, a last paragraph.

    `key` names it within the page.
    """

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    diagrams: tuple[ReliabilityDiagram, ...] = ()
    commands: tuple[str, ...] = ()
    closing: str = ""


@dataclass(frozen=True)
class ModelCard:
    """All that is known of the network of one task. `unavailable` says why it cannot answer now, empty if it can.

    `facts` are name and value, such as version and hash; empty when the network is not installed.
    """

    task: str
    title: str
    question: str
    unavailable: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    statement: str = RESEARCH_USE


@dataclass(frozen=True)
class CardSummary:
    """One line of the list of models. `headline` is the measure that matters most, at home; `elsewhere` that of sources
    that were never seen. Each is empty while it was not measured.
    """

    task: str
    title: str
    question: str
    network: str
    version: str
    headline: str
    elsewhere: str
    unavailable: str
