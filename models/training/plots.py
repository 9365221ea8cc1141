"""Pictures of what was measured: evaluate draws them with --plots, and training its curves."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from models.imaging import shrink
from models.task import Head, Task
from models.training import metrics
from models.training.manifest import read_upload
from models.training.outside import check_outside_repository
from models.training.scoring import HeadScores, ImageScore, Reply, head_scores

# Files only: there is no screen where networks are trained.
matplotlib.use("Agg")

WORST, WORST_COLUMNS, TILE = 24, 6, 224
DPI = 120
# Okabe and Ito's colours, told apart with colour blindness, then line styles for heads of more labels.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", ":")


def draw_scores(task: Task, images: Sequence[ImageScore], folder: Path) -> list[Path]:
    """Draw every picture of every head that has labelled images into `folder`; returns the files.

    Raises InsideRepository for a folder in the repository: the worst errors show patients' pictures.
    """
    check_outside_repository(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for head in task.heads:
        scores = head_scores(head, images)
        if len(scores.truth):
            figures = {
                "confusion": draw_confusion(scores),
                "roc": draw_roc(scores),
                "precision_recall": draw_precision_recall(scores),
                "reliability": draw_reliability(scores),
                "risk_coverage": draw_risk_coverage(scores),
                "worst_errors": draw_worst_errors(scores),
            }
            files += [_save(figure, folder / f"{head.key}_{name}.png") for name, figure in figures.items()]
    return files


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=DPI)
    return path


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    # Figures of their own, without pyplot: nothing to close.
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def draw_confusion(scores: HeadScores) -> Figure:
    """True labels down, the network's most probable label across: counts, shaded by their share of the true label."""
    labels = scores.head.labels
    counts = np.zeros((len(labels), len(labels)), int)
    np.add.at(counts, (scores.truth, scores.probabilities.argmax(axis=1)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 3.5 + 0.6 * len(labels)
    figure, axes = _figure(side + 0.8, side)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, counts[row, column], ha="center", va="center", color=colour)
    names = [label.name for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Most probable label", ylabel="True label", title=f"{scores.head.title}, n = {len(scores.truth)}")
    figure.colorbar(image, label="Share of the true label", shrink=0.8)
    return figure


def draw_roc(scores: HeadScores) -> Figure:
    """Each label against all others."""
    figure, axes = _figure(9.5, 5)
    aucs = metrics.label_aucs(scores.probabilities, scores.truth)
    for index in _drawable(scores):
        false, true, _ = roc_curve(scores.truth == index, scores.probabilities[:, index])
        axes.plot(false, true, label=f"{scores.head.labels[index].name}, AUC {aucs[index]:.3f}", **_line(index))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", title=f"{scores.head.title}: ROC curves", aspect="equal")
    _legend(axes)
    return figure


def draw_precision_recall(scores: HeadScores) -> Figure:
    """Each label against all others; a label's share of the images is what a guess would reach."""
    figure, axes = _figure(9.5, 5)
    for index in _drawable(scores):
        positive = scores.truth == index
        precision, recall, _ = precision_recall_curve(positive, scores.probabilities[:, index])
        name = f"{scores.head.labels[index].name}, {positive.mean():.0%} of images"
        axes.plot(recall, precision, label=name, **_line(index))
    axes.set(
        xlabel="Sensitivity (recall)", ylabel="Precision", title=f"{scores.head.title}: precision and sensitivity",
        ylim=(0, 1.02), aspect="equal",
    )  # fmt: skip
    _legend(axes)
    return figure


def _drawable(scores: HeadScores) -> Iterable[int]:
    """Labels that some but not all images have."""
    counts = np.bincount(scores.truth, minlength=len(scores.head.labels))
    return np.flatnonzero((counts > 0) & (counts < len(scores.truth)))


def _line(index: int) -> dict[str, Any]:
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": STYLES[index // len(COLOURS) % len(STYLES)]}


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)


def draw_reliability(scores: HeadScores) -> Figure:
    """Mean probability of the most probable label against the share of them that were right, and how many there are."""
    bins = metrics.reliability(scores.probabilities, scores.truth)
    figure = Figure(figsize=(5.5, 6.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=0.8)
    confidence = [one.confidence for one in bins]
    upper.plot(confidence, [one.accuracy for one in bins], marker="o", color=COLOURS[0])
    error = metrics.expected_calibration_error(scores.probabilities, scores.truth)
    upper.set(
        ylabel="Share that were right", title=f"{scores.head.title}: reliability, ECE {error:.3f}", ylim=(0, 1.02)
    )
    lower.bar(confidence, [one.n for one in bins], width=0.5 / metrics.BINS, color=COLOURS[0])
    lower.set(xlabel="Probability of the most probable label", ylabel="Images", xlim=(0, 1.02))
    return figure


def draw_risk_coverage(scores: HeadScores) -> Figure:
    """The error among the surest images, against the share of images that they are; and where the thresholds stand."""
    coverage, risk = metrics.risk_coverage_curve(scores.probabilities, scores.truth)
    figure, axes = _figure(6.5, 4.5)
    area = metrics.aurc(scores.probabilities, scores.truth)
    axes.plot(coverage, risk, color=COLOURS[0], label=f"By probability, AURC {area:.3f}")
    answered = scores.replies == Reply.ANSWERED
    if answered.any():
        error = 1 - metrics.share(scores.decided[answered] == scores.truth[answered])
        axes.plot(answered.mean(), error, marker="D", linestyle="", color=COLOURS[1], label="As served")
    axes.set(
        xlabel="Share of images answered", ylabel="Share of answers that are wrong",
        title=f"{scores.head.title}: risk and coverage", xlim=(0, 1.02),
    )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def draw_worst_errors(scores: HeadScores) -> Figure:
    """A contact sheet of the images whose right label got the least probability, the worst first."""
    of_right_label = scores.probabilities[np.arange(len(scores.truth)), scores.truth]
    wrong = np.flatnonzero(~metrics.is_right(scores.probabilities, scores.truth))
    chosen = wrong[np.argsort(of_right_label[wrong])][:WORST]
    rows = max(1, -(-len(chosen) // WORST_COLUMNS))
    figure = Figure(figsize=(2.4 * WORST_COLUMNS, 2.9 * rows + 0.5), layout="constrained")
    figure.suptitle(f"{scores.head.title}: {len(chosen)} of {len(wrong)} wrong of n = {len(scores.truth)}")
    for axes in figure.subplots(rows, WORST_COLUMNS, squeeze=False).ravel():
        axes.set_axis_off()
    for axes, index in zip(figure.axes, chosen, strict=False):
        axes.imshow(shrink(read_upload(scores.examples[index]), TILE))
        axes.set_title(_error_words(scores.head, scores, int(index)), fontsize=7)
    return figure


def _error_words(head: Head, scores: HeadScores, index: int) -> str:
    guess, truth = int(scores.probabilities[index].argmax()), int(scores.truth[index])
    probabilities = scores.probabilities[index]
    return (
        f"{head.labels[truth].key} ({probabilities[truth]:.2f})\n"
        f"taken for {head.labels[guess].key} ({probabilities[guess]:.2f})\n{scores.replies[index]}"
    )


def draw_training_curves(epochs_csv: Path, out: Path) -> None:
    """Loss, accuracy and validation score of each epoch, from the table that training writes, as a PNG."""
    with epochs_csv.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    panels = {
        "Loss": [name for name in rows[0] if name in ("loss", "val_loss")],
        "Accuracy": [name for name in rows[0] if name.endswith("accuracy")],
        "Validation score": [name for name in rows[0] if name == "val_score"],
    }
    shown = {title: names for title, names in panels.items() if names}
    figure = Figure(figsize=(5 * len(shown), 4), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True):
        for index, name in enumerate(names):
            values = [(int(row["epoch"]) + 1, float(row[name])) for row in rows if row[name]]
            axes.plot(*zip(*values, strict=True), marker=".", label=name, **_line(index))
        axes.set(xlabel="Epoch", title=title)
        axes.legend(frameon=False)
    _save(figure, out)
