"""The sections of a model card: words from the task file, numbers from the card that training and evaluation wrote."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import models
from app.services.cards.audit import audit_section
from app.services.cards.content import Bin, ReliabilityDiagram, Section, Table
from app.services.cards.networks import network_sections
from app.services.cards.tables import cell, crossed_table, interval, measures_of, measures_table, target_words
from app.services.report.content import RESEARCH_USE

# Measures of models/training/measuring.py that stand with the decision instead of with how good the answers are.
ABSTENTION = (
    "Decided (not inconclusive)",
    "Accuracy when decided",
    "Refused",
    "Not asked",
    "Inconclusive",
    "Answered",
    "Accuracy when answered",
    "Coverage",
    "Mean set size",
    "Area under the risk-coverage curve (AURC)",
)
POINTS = {
    models.OperatingPoint.BALANCED: "balanced",
    models.OperatingPoint.SENSITIVITY_95: "sensitivity first (95 %)",
}
POINT_COLUMNS = (
    "Answer",
    "Operating point",
    "Seen from a probability of",
    "Sensitivity there",
    "Specificity there",
    "Possible from",
    "Possible when right",
)
ERRORS = {"ece": "Calibration error (ECE)", "brier": "Brier score", "nll": "Negative log likelihood"}
TRAINING = {
    "epochs": "Epochs",
    "learning_rate": "Peak learning rate",
    "seed": "Random seed",
    "init": "Started from the weights of",
}
STARTED = "It went on from another network, which may have learned from more than these: see docs/networks.md."
AFTER_CALIBRATION = ("distance", "evaluate", "audit")
TARGET_COLUMNS = ("Measure", "Result", "To reach", "To stretch to", "Measured")
# A bin of fewer answers says little about how far its probability is off.
FEW = 20


def build_sections(
    task: models.Task, card: models.Card | None, gate: models.Card | None, audit: Mapping[str, Any]
) -> tuple[Section, ...]:
    """All sections of the model card of `task`. `card` and `gate` are None when that network is not installed."""
    purpose = (_intended_use(task), _out_of_scope(task), _limits(task), *network_sections(task))
    origin = (_data(task, card), _subgroups(task), _reproduction(task, card))
    if card is None:
        return (*purpose, *origin)
    measured = (
        _performance(task, card),
        _sources(task, card),
        audit_section(task, card, audit),
        _calibration(task, card),
        _decision(task, card),
        _gate(task, card, gate),
    )
    return (*purpose, *measured, *origin)


def headline(task: models.Task, card: models.Card) -> str:
    """The measure that the first target names, else the first that was measured; empty before any evaluation."""
    measures = card.measures(task.primary)
    wanted = task.targets[0].measure if task.targets else ""
    found = next((measure for measure in measures if measure.name == wanted), measures[0] if measures else None)
    return f"{found.name} {interval(found)} on {found.n:,} images" if found else ""


# What a human declares


def _intended_use(task: models.Task) -> Section:
    rows = [
        (head.title, ", ".join(f"{label.name} ({label.note})" if label.note else label.name for label in head.labels))
        for head in task.heads
    ]
    return Section(
        key="use",
        title="Intended use",
        paragraphs=(
            task.intended_use,
            f"Kind of image: {task.image_kind}.",
            *(f"{head.title}: {head.note}" for head in task.heads if head.note),
        ),
        tables=(Table("What it can answer", ("Question", "Answers"), tuple(rows), word_columns=2),),
    )


def _out_of_scope(task: models.Task) -> Section:
    return Section(key="scope", title="Out of scope", paragraphs=(RESEARCH_USE,), points=task.out_of_scope)


def _limits(task: models.Task) -> Section:
    return Section(key="limits", title="Known limits", points=task.limitations)


def _subgroups(task: models.Task) -> Section:
    return Section(key="subgroups", title="Groups of people and devices", points=task.subgroups)


def _data(task: models.Task, card: models.Card | None) -> Section:
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
        title="Data that it learned from",
        paragraphs=(
            "Licences are those of the images; several allow research only.",
            *((STARTED,) if card and _start(card) else ()),
        ),
        tables=(Table("Sources of the training images", columns, tuple(rows), word_columns=3),) if rows else (),
    )


# What was measured


def _performance(task: models.Task, card: models.Card) -> Section:
    title = "How good it was measured to be"
    if not card.measures(task.primary):
        return Section("measures", title, paragraphs=("It was not evaluated yet: nothing is known of how good it is.",))
    measured = {head: [m for m in _measures(card, head) if m.name not in ABSTENTION] for head in task.heads}
    answers = {head: card.label_measures(head.key) for head in task.heads}
    return Section(
        key="measures",
        title=title,
        paragraphs=(
            "Measured on test images of the same sources as the training images, which neither training nor tuning "
            "saw. Brackets hold the 95 % bootstrap interval over groups of images (patients, where they are known); "
            "n is the number of images.",
            *(("These numbers are of an earlier version of this network.",) if _is_stale(card) else ()),
        ),
        tables=(
            _targets_table(task, card),
            *(measures_table(head.title, found) for head, found in measured.items() if found),
            *(_answers_table(head, found) for head, found in answers.items() if found),
        ),
    )


def _is_stale(card: models.Card) -> bool:
    return card.metrics.get("sha256", card.sha256) != card.sha256


def _measures(card: models.Card, head: models.Head) -> list[models.Measure]:
    """The measures of the head that come first, and then its details."""
    return [*card.measures(head.key), *measures_of(_details(card, head).get("measures", ()))]


def _details(card: models.Card, head: models.Head) -> Mapping[str, Any]:
    return card.metrics.get("heads", {}).get(head.key, {}).get("details", {})


def _targets_table(task: models.Task, card: models.Card) -> Table:
    targets = (*task.targets, models.CALIBRATION_TARGET)
    rows = tuple(
        _target_row(target_words(task, target), target, card.target_measure(task, target)) for target in targets
    )
    return Table("Targets and what was measured", TARGET_COLUMNS, rows, word_columns=2)


def _target_row(words: str, target: models.Target, measure: models.Measure | None) -> tuple[str, ...]:
    bound = "at most" if target.is_ceiling else "at least"
    return (
        words,
        _verdict(target, measure),
        f"{bound} {target.reach:.2f}",
        f"{bound} {target.stretch:.2f}" if target.stretch else "",
        cell(measure),
    )


def _verdict(target: models.Target, measure: models.Measure | None) -> str:
    if measure is None:
        return "not measured"
    sign = -1 if target.is_ceiling else 1
    if target.stretch and sign * measure.value >= sign * target.stretch:
        return "stretch reached"
    return "reached" if sign * measure.value >= sign * target.reach else "not reached"


def _answers_table(head: models.Head, measures: Mapping[str, tuple[models.Measure, ...]]) -> Table:
    named = {label.name: measures[label.key] for label in head.labels if label.key in measures}
    return crossed_table(f"{head.title}: each answer against all others", "Answer", named)


def _sources(task: models.Task, card: models.Card) -> Section:
    measured = {head: _by_source(card, head.key) for head in task.heads}
    return Section(
        key="sources",
        title="By source of the image",
        paragraphs=(
            "A network that is good on one source and poor on another has learned the source. Sources with one label "
            "only have no AUC.",
        ),
        tables=tuple(
            crossed_table(f"{head.title}, by source", "Source", found) for head, found in measured.items() if found
        ),
    )


def _by_source(card: models.Card, head: str) -> dict[str, tuple[models.Measure, ...]]:
    together = {f"{name}, all parts": found for name, found in card.source_measures(head).items()}
    return together | card.dataset_measures(head)


def _calibration(task: models.Task, card: models.Card) -> Section:
    fitted = card.facts["calibration"]["heads"]
    found = {head: card.metrics.get("heads", {}).get(head.key, {}).get("reliability", ()) for head in task.heads}
    return Section(
        key="calibration",
        title="Calibration",
        paragraphs=(
            "Of answers given with a probability of 0.80, about 80 in 100 should be right. One temperature for each "
            "question, fitted on validation images, brings the raw outputs there. On few images some error is left by "
            "luck even to exact probabilities; once the network is evaluated, its measures tell how much.",
        ),
        tables=tuple(_errors_table(head, fitted[head.key]) for head in task.heads if "before" in fitted[head.key]),
        diagrams=tuple(_diagram(head, bins) for head, bins in found.items() if bins),
    )


def _errors_table(head: models.Head, fitted: Mapping[str, Any]) -> Table:
    rows = tuple(
        (name, f"{fitted['before'][key]:.3f}", f"{fitted['after'][key]:.3f}", f"{fitted['n']:,}")
        for key, name in ERRORS.items()
    )
    caption = f"{head.title}: validation images before and after calibration (temperature {fitted['temperature']:.2f})"
    return Table(caption, ("Error", "Before", "After", "Images"), rows)


def _diagram(head: models.Head, found: Iterable[Mapping[str, Any]]) -> ReliabilityDiagram:
    bins = tuple(Bin(entry["confidence"], entry["accuracy"], entry["n"]) for entry in found if entry["n"])
    rows = tuple((f"{b.confidence:.2f}", f"{b.accuracy:.2f}", f"{b.n:,}") for b in bins)
    return ReliabilityDiagram(
        key=f"reliability-{head.key}",
        title=f"{head.title}: reliability diagram",
        description=_described(bins),
        bins=bins,
        table=Table(f"{head.title}: the diagram in numbers", ("Mean probability", "Share right", "Images"), rows),
    )


def _described(bins: tuple[Bin, ...]) -> str:
    text = (
        f"The probability of the most probable answer against the share of such answers that were right, on "
        f"{sum(b.n for b in bins):,} test images. On the dashed line both are equal."
    )
    full = [b for b in bins if b.n >= FEW]
    if not full:
        return text
    worst = max(full, key=lambda b: abs(b.confidence - b.accuracy))
    return (
        f"{text} Where they differ most (among groups of {FEW} images or more), the mean probability was "
        f"{worst.confidence:.2f} and {worst.accuracy:.2f} were right."
    )


def _decision(task: models.Task, card: models.Card) -> Section:
    abstention = {head: [m for m in _measures(card, head) if m.name in ABSTENTION] for head in task.heads}
    return Section(
        key="decision",
        title="Decision and abstention",
        paragraphs=tuple(_decision_words(task, card)),
        tables=(
            *(_points_table(head, card) for head in task.heads),
            *(
                measures_table(f"{head.title}: how often it answers", found)
                for head, found in abstention.items()
                if found
            ),
        ),
    )


def _decision_words(task: models.Task, card: models.Card) -> Iterator[str]:
    yield (
        "An answer at or above its own threshold stays possible, and so does every answer that is more probable. "
        "Exactly one possible answer is given as the result; several or none make the image inconclusive."
    )
    share = f"{100 * (1 - card.facts['calibration']['heads'][task.primary]['miss_rate']):.0f} in 100"
    several = [head.title for head in task.heads if len(head.labels) > 2]
    if several:
        yield (
            f"{'; '.join(several)}: thresholds were set on validation images so that {share} of each answer's own "
            "images keep it possible (class-conditional conformal prediction)."
        )
    two = [head.title for head in task.heads if len(head.labels) == 2]
    if two:
        yield (
            f"{'; '.join(two)}: the thresholds are the edges of a band of probabilities in which neither answer is "
            f"given; {share} of each answer's own validation images, or more, do not have it ruled out."
        )
    points = {label.operating_point for head in task.heads for label in head.labels}
    if models.OperatingPoint.SENSITIVITY_95 in points:
        yield (
            "An answer with sensitivity first must not be missed: at low probabilities, too, it is not excluded. "
            "It then stands apart and does not make more probable answers possible."
        )
    yield (
        "Decided and coverage (the right answer is not ruled out) are the network's own, whatever the gate says. "
        "Refused, inconclusive and answered are what a user meets."
    )


def _points_table(head: models.Head, card: models.Card) -> Table:
    details = _details(card, head).get("labels", {})
    rows = (_point_row(label, card.heads[head.key], measures_of(details.get(label.key, ()))) for label in head.labels)
    return Table(f"{head.title}: operating points", POINT_COLUMNS, tuple(rows), word_columns=2)


def _point_row(label: models.Label, fitted: models.HeadCard, measures: Iterable[models.Measure]) -> tuple[str, ...]:
    found = {measure.name: measure for measure in measures}
    point = label.operating_point
    return (
        label.name,
        POINTS[point],
        f"{fitted.operating_points[point][label.key]:.3f}",
        cell(found.get(f"Sensitivity at the {point} threshold")),
        cell(found.get(f"Specificity at the {point} threshold")),
        f"{fitted.thresholds[label.key]:.3f}",
        cell(found.get("Coverage")),
    )


def _gate(task: models.Task, card: models.Card, gate: models.Card | None) -> Section:
    rates = gate.metrics.get("gate", {}).get(task.name, {}) if gate else {}
    if "refused_by_gate" in card.metrics:
        rates = rates | {"own": card.metrics["refused_by_gate"]}
    measures = {key: models.Measure(**rate) for key, rate in rates.items()}
    rows = tuple(_target_row(target.measure, target, measures.get(key)) for key, target in models.GATE_TARGETS.items())
    paragraphs = ["Before any finding a gate looks whether the image is of the right kind; what it refuses gets none."]
    if gate:
        paragraphs.append(f"The gate is {gate.network}, version {gate.version}, SHA-256 {gate.sha256}.")
    return Section(
        key="gate",
        title="The gate",
        paragraphs=tuple(paragraphs),
        tables=(Table("What the gate refused", TARGET_COLUMNS, rows, word_columns=2),),
    )


def _reproduction(task: models.Task, card: models.Card | None) -> Section:
    training = card.facts["training"] if card else {}
    start = _start(card) if card else None
    return Section(
        key="reproduce",
        title="How to reproduce it",
        paragraphs=(
            "LUMEN_DATASETS names the folder of data sets. Training that was stopped resumes at its last checkpoint. "
            "The recipe in recipes.py is today's and may have changed since this network was trained.",
            *(
                (f"{start} stands for the network that it went on from; docs/networks.md tells of it.",)
                if start
                else ()
            ),
        ),
        points=tuple(f"{words}: {training[key]}" for key, words in TRAINING.items() if key in training),
        commands=tuple(_commands(task, card)),
    )


def _start(card: models.Card) -> str | None:
    """A file name for the network that training went on from; None where it began with ImageNet or at random."""
    kind, _, sha256 = card.facts["training"].get("init", "").partition(" ")
    return f"start-{sha256}.keras" if kind == "network" else None


def _commands(task: models.Task, card: models.Card | None) -> Iterator[str]:
    module = "python -m models.training"
    options = _fit_options(card) if card else ()
    yield f"{module}.fit {shlex.join((task.name, '--network', task.network, *options))}"
    if len(models.registered_networks(task)) > 1:
        # The commands that follow take the network that serves.
        yield f"export LUMEN_NETWORKS={task.name}={task.network}"
    views = f" --views {' '.join(card.views)}" if card and len(card.views) > 1 else ""
    smaller = card is not None and card.precision != "float32"
    for step in (
        "compile",
        f"calibrate {task.name}{views}",
        *((f"precision {task.name} --use {card.precision}", "compile") if smaller else ()),
        *(f"{name} {task.name}" for name in AFTER_CALIBRATION),
    ):
        yield f"{module}.{step}"


def _fit_options(card: models.Card) -> Iterator[str]:
    """What this network was trained with, whatever today's recipe says."""
    training = card.facts["training"]
    yield from ("--side", str(card.spec.height), "--epochs", str(training["epochs"]))
    if "learning_rate" in training:
        yield from ("--learning-rate", str(training["learning_rate"]))
    if training.get("hidden"):
        yield from ("--hidden", *map(str, training["hidden"]))
    if start := _start(card):
        yield from ("--start", start)
    if "precision" in training:
        yield from ("--precision", training["precision"])
    for name in card.excluded:
        yield from ("--exclude-dataset", name)
