"""Fit the gate's distance test of one task: python -m models.training.distance TASK

Compares ways to tell the task's own validation images from those of other kinds by the network's pooled features, and
fits the one that serves on training images; its threshold refuses one own validation image in a hundred. Writes
features.npz beside the network and `distance` into its card. What was measured with another such test leaves the card;
measure it again with `evaluate`.
"""

import argparse
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from sklearn.covariance import ledoit_wolf
from tqdm import tqdm

from models.card import DistanceCard
from models.card_file import load_card, write_card
from models.deployment import current_deployment
from models.distance import FEATURES, Reference, read_reference, to_unit, write_reference
from models.imaging import prepare
from models.measures import GateSet
from models.modality import MODALITY_TASK
from models.registry import get_task
from models.runtime import ServingNetwork, file_sha256, get_network, run_views
from models.task import Modality, Task
from models.training.datasets import load_examples
from models.training.manifest import Example, read_upload
from models.training.synthetic import to_grey

SEED = 20261120
REFUSED_SHARE = 0.01
# Principal axes to choose from, the cheaper the better where the AUROC is within EQUAL of the best.
AXES = (16, 32, 64)
EQUAL = 0.002
NEIGHBOURS = 10
# More images than these move the subspace and the rates little, and each costs a forward pass.
MOST_TRAINING, MOST_OF_A_KIND = 1500, 150

# Features [n, channels] -> [n], larger for images unlike those of the training.
Score = Callable[[np.ndarray], np.ndarray]


def fit_residuals(features: np.ndarray) -> dict[str, Reference]:
    """Name -> mean and first principal axes of training features [n, channels]; the fewer axes, the earlier."""
    references = {}
    for unit, suffix in ((False, ""), (True, "_unit")):
        scaled = to_unit(features) if unit else features
        vectors = np.linalg.eigh(np.cov(scaled, rowvar=False))[1][:, ::-1]
        for axes in AXES:
            references[f"residual_{axes}{suffix}"] = Reference(scaled.mean(axis=0), vectors[:, :axes], unit)
    return dict(sorted(references.items(), key=lambda item: item[1].axes.shape[1]))


def mahalanobis(features: np.ndarray, labels: np.ndarray) -> Score:
    """Squared distance to the nearest label's mean under one shrunk covariance (Lee et al., 2018, arXiv:1807.03888)."""
    means = np.stack([features[labels == label].mean(axis=0) for label in np.unique(labels)])
    within = features - means[np.searchsorted(np.unique(labels), labels)]
    precision = np.linalg.inv(ledoit_wolf(within, assume_centered=True)[0])

    def score(scored: np.ndarray) -> np.ndarray:
        offsets = (scored - mean for mean in means)
        return np.min([np.einsum("nc,nc->n", some @ precision, some) for some in offsets], axis=0)

    return score


def nearest_neighbours(features: np.ndarray) -> Score:
    """1 - cosine with the tenth nearest training image (Sun et al., ICML 2022, arXiv:2204.06507)."""
    known = to_unit(features)
    return lambda scored: 1 - np.partition(to_unit(scored) @ known.T, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS]


def auroc(right: np.ndarray, others: np.ndarray) -> float:
    """Chance that a score of another type of image exceeds one of the right type, ties counted half."""
    ranks = rankdata(np.concatenate([right, others]))[len(right) :]
    return float((ranks.sum() - len(others) * (len(others) + 1) / 2) / (len(right) * len(others)))


def fit_distance(
    features: np.ndarray, labels: np.ndarray, right: np.ndarray, others: np.ndarray
) -> tuple[str, Reference, dict[str, float]]:
    """Name and reference of the residual that serves, and the AUROC on validation of every candidate.

    `features` [n, channels] and `labels` [n] are of training images, `right` and `others` of validation images: of the
    right type, and of others.
    """
    references = fit_residuals(features)
    scores: dict[str, Score] = {name: reference.distance for name, reference in references.items()}
    scores |= {"mahalanobis": mahalanobis(features, labels), "nearest_neighbours": nearest_neighbours(features)}
    aurocs = {name: round(auroc(score(right), score(others)), 4) for name, score in scores.items()}
    good = max(aurocs[name] for name in references) - EQUAL
    chosen = next(name for name in references if aurocs[name] >= good)
    return chosen, references[chosen], aurocs


def validation_pictures(task: Task, exclude: Iterable[str] = ()) -> dict[GateSet, list[np.ndarray]]:
    """uint8 RGB pictures of the validation split for each set; all of the right kind, some of the others.

    Without those of the data sets named in `exclude`.
    """
    keys = [label.key for label in MODALITY_TASK.labels]
    pictures: dict[GateSet, list[np.ndarray]] = {images: [] for images in GateSet}
    examples = load_examples(MODALITY_TASK, splits=("val",), exclude=exclude)
    for index, key in enumerate(keys):
        of_kind = [example for example in examples if example.targets[MODALITY_TASK.primary] == index]
        images = _set_of(key, task)
        chosen = of_kind if images is GateSet.RIGHT_KIND else _some(of_kind, MOST_OF_A_KIND)
        pictures[images] += [read_upload(example) for example in chosen]
    pictures[GateSet.OTHER_KIND_GREY] = [
        to_grey(picture) for picture in pictures[GateSet.OTHER_KIND] if (to_grey(picture) != picture).any()
    ]
    return pictures


def _set_of(kind: str, task: Task) -> GateSet:
    """The set that images of this modality belong to for `task`."""
    if kind == task.modality:
        return GateSet.RIGHT_KIND
    return GateSet.NOT_MEDICAL if kind == Modality.NOT_MEDICAL else GateSet.OTHER_KIND


def read_features(network: ServingNetwork, pictures: Iterable[np.ndarray], name: str) -> np.ndarray:
    """Pooled features float32 [n, channels] as in serving."""
    return np.stack(
        [run_views(network, prepare(picture, network.card.spec)).features for picture in tqdm(pictures, desc=name)]
    )


def write_distance(task: Task) -> DistanceCard:
    """Fit, threshold and write the distance test of `task`; returns what its card says of it."""
    network = get_network(task)
    trained = _some(load_examples(task, splits=("train",), exclude=network.card.training.excluded))
    features = read_features(network, [read_upload(example) for example in trained], "training images")
    labels = np.array([example.targets[task.primary] for example in trained])
    pictures = validation_pictures(task, network.card.training.excluded)
    by_set = {images: read_features(network, some, images) for images, some in pictures.items()}
    right = by_set[GateSet.RIGHT_KIND]
    others = np.concatenate([rows for images, rows in by_set.items() if images is not GateSet.RIGHT_KIND])
    method, reference, aurocs = fit_distance(features, labels, right, others)
    path = current_deployment().network_of(task).folder / FEATURES
    write_reference(path, reference)
    # By the rounded file that will serve.
    distances = {images: read_reference(path).distance(rows) for images, rows in by_set.items()}
    # Rounded up: no more of them may fall beyond it.
    edge = np.quantile(distances[GateSet.RIGHT_KIND], 1 - REFUSED_SHARE, method="higher")
    threshold = math.ceil(edge * 10_000) / 10_000
    distance = DistanceCard(
        method=method,
        threshold=threshold,
        sha256=file_sha256(path),
        split="val",
        auroc=aurocs,
        refused={images: round(float((some > threshold).mean()), 4) for images, some in distances.items()},
        n={images: len(some) for images, some in distances.items()},
    )
    _update_card(current_deployment().network_of(task).card_path, distance)
    return distance


def _update_card(path: Path, distance: DistanceCard) -> None:
    card = load_card(path)
    metrics = card.metrics if card.distance == distance else None
    write_card(path, replace(card, distance=distance, metrics=metrics))


def _some(examples: list[Example], most: int = MOST_TRAINING) -> list[Example]:
    """At most so many, drawn at random, always the same."""
    return [examples[index] for index in np.random.default_rng(SEED).permutation(len(examples))[:most]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.distance", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name; the gate's own network needs no such test")
    distance = write_distance(get_task(parser.parse_args(arguments).task))
    for method, value in distance.auroc.items():
        print(f"{method:32} AUROC {value:.4f}{'  serves' if method == distance.method else ''}")
    for images, share in distance.refused.items():
        print(f"{images.words:48} {share:.4f} n={distance.n[images]}")


if __name__ == "__main__":
    main()
