"""Whether heatmaps mean something: if what they show as hot carries the answer, and if they turn with the image."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import cv2
import keras
import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

from models.architectures.network import answer, dense_heads
from models.audit import Heatmaps
from models.calibration import calibrated
from models.deployment import current_deployment
from models.imaging import prepare
from models.inference import split_heads
from models.measures import Measure, Metric
from models.runtime import MODEL, AnsweringNetwork, NetworkOutputs, get_network, run_views
from models.task import Task
from models.training import metrics
from models.training.manifest import Example, read_upload
from models.training.measuring import rounded
from models.training.store import load_network

# Steps in which an image is taken away or given back, and the softening that stands for "taken away", as a share of the
# side: more would leave edges that no image has.
STEPS, SOFTNESS = 12, 0.08
MIRROR = np.s_[:, ::-1]


def heatmap_measures(task: Task, examples: Sequence[Example]) -> Heatmaps:
    """How far the heatmap of the label that the serving network puts first can be believed, on these images.

    Insertion less deletion (Petsiuk et al., BMVC 2018, arXiv:1806.07421): the mean probability of the label while the
    image comes back from its softened self, the hottest places first, less the mean while these go first. Heat in the
    right quarter (Böhle et al., CVPR 2021, arXiv:2104.00032): of four images of other labels in one, how much of the
    heat of a label lies where it is. Likeness is Spearman's rank correlation (Adebayo et al., NeurIPS 2018,
    arXiv:1810.03292).
    """
    network, shuffled = get_network(task), shuffled_network(task)
    batches = [prepare(read_upload(example), network.card.spec) for example in examples]
    groups = np.array([example.group for example in examples])
    looks = [
        _look(task, network, shuffled, batch) for batch in tqdm(batches, desc=f"heatmaps of {task.name}", leave=False)
    ]
    named = {metric: np.array([look[metric] for look in looks]) for metric in looks[0]}
    truth = np.array([example.targets[task.primary] for example in examples]) % len(task.labels)
    measures = (*_means(named, groups), *_means(*_in_fours(task, network, batches, truth, groups)))
    return Heatmaps(run_views(network, batches[0]).maps.shape[:2], measures)


def shuffled_network(task: Task) -> AnsweringNetwork:
    """The serving network of `task` with the values of each of its weights in random order: it has learned nothing."""
    model = load_network(current_deployment().network_of(task).folder / MODEL)
    rng = np.random.default_rng(20261126)
    for layer in model.layers:
        layer.set_weights([rng.permutation(value.ravel()).reshape(value.shape) for value in layer.get_weights()])
    trunk = keras.Model(model.inputs[0], model.get_layer("features").input)
    heads = dense_heads(task, model)

    def run(batch: np.ndarray) -> NetworkOutputs:
        logits, maps = answer(heads, trunk(batch, training=False))
        return NetworkOutputs(np.asarray(logits)[0], np.asarray(maps)[0], np.zeros(0, np.float32))

    return SimpleNamespace(card=get_network(task).card, run=run)


def insertion_less_deletion(ask: Callable[[np.ndarray], float], batch: np.ndarray, heat: np.ndarray) -> float:
    """How much more of an answer comes with the hottest places than without them, -1 to 1.

    `ask`: the probability of the label for a float32 [1, h, w, 3] like `batch`. `heat`: [h, w].
    """
    height, width = batch.shape[1:3]
    soft = cv2.GaussianBlur(batch[0], (0, 0), SOFTNESS * max(height, width))[None]
    ranks = np.empty(height * width)
    ranks[np.argsort(-heat.ravel(), kind="stable")] = np.arange(heat.size) / heat.size
    ranks = ranks.reshape(1, height, width, 1)
    shares = np.linspace(0, 1, STEPS + 1)
    inserted = [ask(np.where(ranks < share, batch, soft)) for share in shares]
    deleted = [ask(np.where(ranks < share, soft, batch)) for share in shares]
    return float(np.mean(inserted) - np.mean(deleted))


def _in_fours(
    task: Task, network: AnsweringNetwork, batches: Sequence[np.ndarray], truth: np.ndarray, groups: np.ndarray
) -> tuple[dict[Metric, np.ndarray], np.ndarray]:
    """HEAT_IN_RIGHT_QUARTER, and the groups, of the images that have any heat among three of other labels."""
    rng, found, kept = np.random.default_rng(20261126), [], []
    for place, batch in enumerate(batches):
        others = np.flatnonzero(truth != truth[place])
        if len(others) < 3:
            continue
        quarter = int(rng.integers(4))
        four = [batches[other] for other in rng.choice(others, 3, replace=False)]
        four.insert(quarter, batch)
        picture = _four_in_one(four)
        raw = run_views(network, picture)
        heat = _over(picture, _primary_of(task, raw.logits)(raw.maps)[..., truth[place]])
        if heat.any():
            rows, columns = (np.array_split(np.arange(side), 2) for side in heat.shape)
            there = heat[np.ix_(rows[quarter // 2], columns[quarter % 2])]
            found.append(float(there.sum() / heat.sum()))
            kept.append(groups[place])
    return {Metric.HEAT_IN_RIGHT_QUARTER: np.array(found)}, np.array(kept)


def _four_in_one(batches: Sequence[np.ndarray]) -> np.ndarray:
    """Four float32 [1, h, w, 3] as quarters of one, row by row."""
    height, width = batches[0].shape[1:3]
    whole = np.empty_like(batches[0])
    for place, batch in enumerate(batches):
        top, left = (height // 2) * (place // 2), (width // 2) * (place % 2)
        size = (width // 2, height // 2)
        whole[0, top : top + size[1], left : left + size[0]] = cv2.resize(batch[0], size, interpolation=cv2.INTER_AREA)
    return whole


def _look(task: Task, network: AnsweringNetwork, shuffled: AnsweringNetwork, batch: np.ndarray) -> dict[Metric, float]:
    """The measures of one image."""
    raw = run_views(network, batch)
    head, primary = task.head(task.primary), _primary_of(task, raw.logits)
    temperature, lead = network.card.heads[head.key].temperature, int(primary(raw.logits).argmax())

    def probability(pixels: np.ndarray) -> float:
        logits = primary(run_views(network, np.ascontiguousarray(pixels)).logits)
        return float(calibrated(logits, temperature)[lead])

    def map_of(one: AnsweringNetwork, pixels: np.ndarray) -> np.ndarray:
        return primary(run_views(one, np.ascontiguousarray(pixels)).maps)[..., lead]

    found, turned = primary(raw.maps)[..., lead], map_of(network, batch[:, :, ::-1])
    return {
        Metric.INSERTION_LESS_DELETION: insertion_less_deletion(probability, batch, _over(batch, found)),
        Metric.INSERTION_LESS_DELETION_OF_CENTRE: insertion_less_deletion(probability, batch, _centre(batch)),
        Metric.LIKENESS_MIRRORED_BACK: _alike(found, turned[MIRROR]),
        Metric.LIKENESS_MIRRORED: _alike(found, turned),
        Metric.LIKENESS_TO_RANDOM_WEIGHTS: _alike(found, map_of(shuffled, batch)),
    }


def _primary_of(task: Task, logits: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What takes [..., labels] of the primary head out of all logits or maps: of the specialist that `logits` ask."""
    heads = {head.key: part for head, part in split_heads(task, logits)}
    condition = task.head(task.primary).conditioned_on
    specialist = int(heads[condition].argmax()) if condition else None

    def primary(values: np.ndarray) -> np.ndarray:
        own = next(part for head, part in split_heads(task, values) if head.key == task.primary)
        return own if specialist is None else own[..., specialist, :]

    return primary


def _over(batch: np.ndarray, found: np.ndarray) -> np.ndarray:
    """A map laid over what the network reads, as pages do."""
    return cv2.resize(np.maximum(found, 0), batch.shape[2:0:-1], interpolation=cv2.INTER_CUBIC).clip(min=0)


def _centre(batch: np.ndarray) -> np.ndarray:
    """Hot in the middle, for comparison: most images show there what they were taken for."""
    height, width = batch.shape[1:3]
    rows, columns = np.mgrid[0:height, 0:width]
    return -np.hypot((rows + 0.5) / height - 0.5, (columns + 0.5) / width - 0.5)


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two maps; 0 where one is the same everywhere."""
    value = float(spearmanr(one.ravel(), other.ravel()).statistic)
    return 0.0 if np.isnan(value) else value


def _means(named: dict[Metric, np.ndarray], groups: np.ndarray) -> tuple[Measure, ...]:
    if not len(groups):
        return ()
    means = metrics.bootstrap(lambda rows: {key: float(some[rows].mean()) for key, some in named.items()}, groups)
    return tuple(rounded(key, interval, len(groups)) for key, interval in means.items())
