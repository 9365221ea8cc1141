"""Look for shortcuts of one task: python -m models.training.audit TASK [--split val] [--json OUT]

How much of the task can be told from superficial cues, how much the network knows of where an image came from, what
throws it off, whether its heatmaps mean something, and how many images have a copy in another split. Writes
models/weights/<task>/<network>/audit.json (models/audit.py). --only PART does one of these parts anew, and keeps the
rest of the audit there is.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.audit import (
    AUDIT,
    AlteredImages,
    Audit,
    Baseline,
    Change,
    Heatmaps,
    SourceProbes,
    encode_audit,
    read_audit,
)
from models.deployment import current_deployment
from models.imaging import prepare
from models.inference import decide
from models.measures import Measure, MeasureSet, Metric
from models.registry import get_task
from models.runtime import get_network, run_views
from models.task import Task
from models.training.altered import CHANGES
from models.training.answers import Answers
from models.training.baseline import read_looks, tiny_image_baseline
from models.training.datasets import copied_words, load_examples
from models.training.heatmaps import heatmap_measures
from models.training.manifest import MISSING, SPLITS, Example, read_upload
from models.training.measuring import measure_shares
from models.training.probe import source_classifier
from models.training.scoring import HeadScores, Reply, head_scores, score_images
from models.training.sources import manifest_column
from models.training.splits import search_copies

# Altered images and heatmaps are looked at for at most so many: enough for an interval of a few points, in a minute or
# two.
MOST_ALTERED, MOST_MAPPED = 300, 100


@dataclass(frozen=True)
class NetworkAnswers:
    """What the serving network makes of n images: head key -> probabilities [n, labels]; pooled features [n, c]."""

    probabilities: dict[str, np.ndarray]
    features: np.ndarray


def ask_network(task: Task, examples: Sequence[Example]) -> NetworkAnswers:
    """The serving network, without the gate, on these images."""
    network = get_network(task)
    rows: dict[str, list[list[float]]] = {head.key: [] for head in task.heads}
    features = []
    for example in tqdm(examples, desc=f"answers of {task.name}"):
        output = run_views(network, prepare(read_upload(example), network.card.spec))
        features.append(output.features)
        for result in decide(task, network.card, output.logits):
            rows[result.head.key].append([line.probability for line in result.labels])
    return NetworkAnswers({key: np.array(lines) for key, lines in rows.items()}, np.array(features))


def head_answers(
    task: Task, key: str, examples: Sequence[Example], answered: NetworkAnswers
) -> tuple[Answers, np.ndarray]:
    """The answers to one question where the label is known, and which images those are."""
    targets = np.array([example.targets[key] for example in examples])
    known = np.flatnonzero(targets != MISSING)
    groups = np.array([example.group for example in examples])
    truth = targets[known] % len(task.head(key).labels)
    return Answers(answered.probabilities[key][known], truth, groups[known]), known


def superficial_answers(task: Task, examples: Sequence[Example], answered: NetworkAnswers) -> dict[str, Baseline]:
    """`tiny_image_baseline` of the audit: trees that learned from the training split, and the network beside them."""
    seen, asked = read_looks(load_examples(task, splits=("train",))), read_looks(examples)
    return {
        head.key: replace(
            tiny_image_baseline(head, seen.known(head), asked.known(head)),
            network=head_answers(task, head.key, examples, answered)[0].measures(),
        )
        for head in task.heads
        if seen.is_answerable(head) and asked.is_answerable(head)
    }


def known_sources(task: Task, examples: Sequence[Example], answered: NetworkAnswers) -> SourceProbes:
    """`source_classifier` of the audit."""
    column, sources = manifest_column(task, examples)
    answers, known = head_answers(task, task.primary, examples, answered)
    names = [label.key for label in task.labels]
    return source_classifier(column, answered.features[known], sources[known], answers.groups, answers.truth, names)


def dataset_answers(task: Task, examples: Sequence[Example], answered: NetworkAnswers) -> dict[str, MeasureSet]:
    """`datasets` of the audit: data set -> how right the network is there, in all and on each label's images."""
    answers, known = head_answers(task, task.primary, examples, answered)
    datasets = np.array([example.dataset_name for example in examples])[known]
    by_dataset = {name: answers.take(np.flatnonzero(datasets == name)) for name in np.unique(datasets).tolist()}
    return {name: MeasureSet(there.measures(), _by_label(task, there)) for name, there in by_dataset.items()}


def _by_label(task: Task, answers: Answers) -> dict[str, tuple[Measure, ...]]:
    return {
        task.labels[index].key: answers.take(np.flatnonzero(answers.truth == index)).measures()
        for index in np.unique(answers.truth)
    }


def altered_answers(task: Task, examples: Sequence[Example]) -> tuple[AlteredImages, ...]:
    """`altered_images` of the audit, on the same images drawn at random for every change."""
    chosen = _some(task, examples, MOST_ALTERED)

    def measures(change: Change) -> tuple[Measure, ...]:
        altered = [replace(one, pixels=CHANGES[change](read_upload(one))) for one in chosen]
        scores = head_scores(task.head(task.primary), score_images(task, altered))
        network = Answers(scores.probabilities, scores.truth, scores.groups).measures()
        return (*network, *measure_shares(_what_users_get(scores), scores.groups))

    return tuple(AlteredImages(change, measures(change)) for change in CHANGES)


def mapped_answers(task: Task, examples: Sequence[Example]) -> Heatmaps:
    """`heatmaps` of the audit, on some of these images."""
    return heatmap_measures(task, _some(task, examples, MOST_MAPPED))


def _some(task: Task, examples: Sequence[Example], most: int) -> list[Example]:
    """At most so many of the images whose primary label is known, drawn at random, the same every time."""
    known = [example for example in examples if example.targets[task.primary] != MISSING]
    order = np.random.default_rng(20261120).permutation(len(known))[:most]
    return [known[index] for index in order]


def _what_users_get(scores: HeadScores) -> dict[Metric, np.ndarray]:
    """Whether each image is refused, and whether it is answered wrongly: bool [n] each."""
    answered = scores.replies == Reply.ANSWERED
    return {
        Metric.REFUSED: scores.replies == Reply.REFUSED,
        Metric.ANSWERED_WRONGLY: answered & (scores.decided != scores.truth),
    }


def audit(task: Task, split: str) -> Audit:
    """All parts of the audit, on the images of this split."""
    examples = load_examples(task, splits=(split,))
    answered = ask_network(task, examples)
    return Audit(
        created=datetime.now(UTC).date().isoformat(),
        sha256=get_network(task).card.sha256,
        split=split,
        tiny_image_baseline=superficial_answers(task, examples, answered),
        source_classifier=known_sources(task, examples, answered),
        datasets=dataset_answers(task, examples, answered),
        altered_images=altered_answers(task, examples),
        copies=search_copies(task),
        heatmaps=mapped_answers(task, examples),
    )


# What `--only` does anew: field of the audit -> an audit, a task and the images of a split to the audit with it.
PARTS: dict[str, Callable[[Audit, Task, Sequence[Example]], Audit]] = {
    "altered_images": lambda one, task, examples: replace(one, altered_images=altered_answers(task, examples)),
    "copies": lambda one, task, examples: replace(one, copies=search_copies(task)),
    "heatmaps": lambda one, task, examples: replace(one, heatmaps=mapped_answers(task, examples)),
}


def with_part(task: Task, part: str) -> Audit:
    """The audit of the serving network with one of PARTS made anew. Raises SystemExit where there is none of it."""
    before = read_audit(task)
    # Copies are of the images alone, whatever network learns from them.
    if before is None or (part != "copies" and before.sha256 != get_network(task).card.sha256):
        raise SystemExit(f"The network that serves {task.name} has no audit yet: leave --only out.")
    return PARTS[part](before, task, load_examples(task, splits=(before.split,)))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.audit", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name")
    parser.add_argument("--split", default="val", choices=SPLITS[1:], help="test only for a version that is released")
    parser.add_argument("--json", type=Path, help="write the audit here instead of beside the network")
    parser.add_argument("--only", choices=PARTS, help="do this part anew, and keep the rest as it is")
    options = parser.parse_args(arguments)
    task = get_task(options.task)
    done = with_part(task, options.only) if options.only else audit(task, options.split)
    path = options.json or current_deployment().network_of(task).folder / AUDIT
    path.write_text(encode_audit(done), encoding="utf-8")
    print_audit(done)
    print(f"Wrote {path}.")


def print_audit(done: Audit) -> None:
    """Print all parts, one line for each set of images."""
    for key, baseline in done.tiny_image_baseline.items():
        print(f"{key}: chance {baseline.chance:.2f}")
        print("  trees ", _words(baseline.measures))
        print("  network", _words(baseline.network))
        for cue in baseline.cues:
            print(f"  {cue.cue:12} alone {_words(cue.alone)}; shuffled {-cue.drop:+.3f}")
    for name, probe in {"all images": done.source_classifier.overall, **done.source_classifier.labels}.items():
        if probe:
            print(f"source of {name}: chance {probe.chance:.2f}, {_words(probe.measures)} {probe.sources}")
    for name, there in done.datasets.items():
        print(f"{name}: {_words(there.measures)}")
    for altered in done.altered_images:
        print(f"{altered.change:24} {_words(altered.measures)}")
    if done.heatmaps:
        print(f"heatmaps of {done.heatmaps.cells} cells: {_words(done.heatmaps.measures)}")
    for copied in done.copies.splits if done.copies else ():
        print(copied_words(copied))


def _words(measures: Sequence[Measure]) -> str:
    return ", ".join(
        f"{one.metric.words} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}] n={one.n}" for one in measures
    )


if __name__ == "__main__":
    main()
