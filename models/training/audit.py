"""Look for shortcuts of one task: python -m models.training.audit TASK [--split val] [--left-out] [--json OUT]

How much of the task can be told from superficial cues, how much the network knows of where an image came from, what
throws it off, and how far it travels. Writes models/weights/<task>/<network>/audit.json, where Measure is {"name",
"value", "low", "high", "n"} with a 95 % group bootstrap interval, and "chance" is the balanced accuracy of a guess:

    {"created": ISO date, "sha256": of the network, "split": "val",
     "tiny_image_baseline": {HEAD: {"chance", "trained_on": images,
         "measures": [Measure] (trees on all cues), "network": [Measure] (the network on the same images),
         "cues": [{"cue", "alone": [Measure] (trees on this one), "drop": balanced accuracy that trees lose without}]}},
     "source_classifier": {"column": of the manifest, "overall": PROBE or null, "labels": {LABEL: PROBE}},
         PROBE = {"chance", "sources": {NAME: images}, "measures": [Measure]}; labels that several sources share
     "datasets": {NAME: {"measures": [Measure], "labels": {LABEL: [Measure]}}} (the network's; accuracy per label),
     "altered_images": [{"change", "measures": [Measure]}] (the network's, on images changed in one way),
     "left_out": [{"labels": [LABEL], "source", "n", "measures": [Measure], "with_source": [Measure]}]}

All but the first speak of the primary head. An audit without --left-out keeps the "left_out" of the one before: those
are measures of short networks trained for the purpose (models/training/left_out.py) and do not change with this one.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.card import card_path, read_audit
from models.imaging import prepare
from models.inference import decide
from models.registry import get_task
from models.runtime import get_network
from models.task import Task
from models.training.altered import CHANGES
from models.training.answers import Answers
from models.training.baseline import read_looks, tiny_image_baseline
from models.training.datasets import MISSING, SPLITS, Example, load_examples, read_upload
from models.training.probe import source_classifier
from models.training.sources import manifest_column
from models.views import run_views

# Altered images are answered for at most so many: enough for an interval of a few points, in a minute or two.
MOST_ALTERED = 300


@dataclass(frozen=True)
class Told:
    """What the serving network tells of n images: head key -> probabilities [n, labels]; pooled features [n, c]."""

    probabilities: dict[str, np.ndarray]
    features: np.ndarray


def ask_network(
    task: Task, examples: Sequence[Example], change: Callable[[np.ndarray], np.ndarray], words: str
) -> Told:
    """The serving network, without the gate, on these images, each changed by `change` (uint8 RGB to uint8 RGB)."""
    network = get_network(task)
    rows: dict[str, list[list[float]]] = {head.key: [] for head in task.heads}
    features = []
    for example in tqdm(examples, desc=words):
        output = run_views(network, prepare(change(read_upload(example)), network.card.spec))
        features.append(output.features)
        for result in decide(task, network.card, output.logits):
            rows[result.head.key].append([line.probability for line in result.labels])
    return Told({key: np.array(found) for key, found in rows.items()}, np.array(features))


def head_answers(task: Task, key: str, examples: Sequence[Example], told: Told) -> tuple[Answers, np.ndarray]:
    """The answers to one question where the label is known, and which images those are."""
    targets = np.array([example.targets[key] for example in examples])
    known = np.flatnonzero(targets != MISSING)
    groups = np.array([example.group for example in examples])
    truth = targets[known] % len(task.head(key).labels)
    return Answers(told.probabilities[key][known], truth, groups[known]), known


def superficial_answers(task: Task, examples: Sequence[Example], told: Told) -> dict:
    """`tiny_image_baseline` of the audit: trees that learned from the training split, and the network beside them."""
    seen, asked = read_looks(load_examples(task, splits=("train",))), read_looks(examples)
    return {
        head.key: tiny_image_baseline(head, seen.known(head), asked.known(head))
        | {"network": head_answers(task, head.key, examples, told)[0].measures()}
        for head in task.heads
        if seen.is_answerable(head) and asked.is_answerable(head)
    }


def known_sources(task: Task, examples: Sequence[Example], told: Told) -> dict:
    """`source_classifier` of the audit."""
    column, sources = manifest_column(task, examples)
    answers, known = head_answers(task, task.primary, examples, told)
    names = [label.key for label in task.labels]
    found = source_classifier(told.features[known], sources[known], answers.groups, answers.truth, names)
    return {"column": column} | found


def dataset_answers(task: Task, examples: Sequence[Example], told: Told) -> dict:
    """`datasets` of the audit: data set -> how right the network is there, in all and on each label's images."""
    answers, known = head_answers(task, task.primary, examples, told)
    datasets = np.array([example.dataset_name for example in examples])[known]
    found = {}
    for name in np.unique(datasets).tolist():
        own = answers.take(np.flatnonzero(datasets == name))
        labels = {
            task.labels[index].key: own.take(np.flatnonzero(own.truth == index)).measures()
            for index in np.unique(own.truth)
        }
        found[name] = {"measures": own.measures(), "labels": labels}
    return found


def altered_answers(task: Task, examples: Sequence[Example]) -> list[dict]:
    """`altered_images` of the audit, on the same images drawn at random for every change."""
    known = [example for example in examples if example.targets[task.primary] != MISSING]
    order = np.random.default_rng(20261120).permutation(len(known))[:MOST_ALTERED]
    chosen = [known[index] for index in order]
    return [
        {
            "change": name,
            "measures": head_answers(task, task.primary, chosen, ask_network(task, chosen, change, f"altered: {name}"))[
                0
            ].measures(),
        }
        for name, change in CHANGES.items()
    ]


def audit(task: Task, split: str) -> dict:
    """Everything but the networks with a source left out."""
    examples = load_examples(task, splits=(split,))
    told = ask_network(task, examples, lambda pixels: pixels, f"answers of {task.name}")
    return {
        "created": datetime.now(UTC).date().isoformat(),
        "sha256": get_network(task).card.sha256,
        "split": split,
        "tiny_image_baseline": superficial_answers(task, examples, told),
        "source_classifier": known_sources(task, examples, told),
        "datasets": dataset_answers(task, examples, told),
        "altered_images": altered_answers(task, examples),
        "left_out": read_audit(task).get("left_out", []),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.audit", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name")
    parser.add_argument("--split", default="val", choices=SPLITS[1:], help="test only for a version that is released")
    parser.add_argument("--left-out", action="store_true", help="train short networks, each without one source")
    parser.add_argument("--json", type=Path, help="write the audit here instead of beside the network")
    options = parser.parse_args(arguments)
    task = get_task(options.task)
    found = audit(task, options.split)
    if options.left_out:
        # Keras is imported for this alone.
        from models.training.left_out import leave_sources_out

        found["left_out"] = leave_sources_out(task)
    path = options.json or card_path(task).with_name("audit.json")
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print_audit(found)
    print(f"Wrote {path}.")


def print_audit(found: dict) -> None:
    for key, head in found["tiny_image_baseline"].items():
        print(f"{key}: chance {head['chance']:.2f}")
        print("  trees ", _words(head["measures"]))
        print("  network", _words(head["network"]))
        for cue in head["cues"]:
            print(f"  {cue['cue']:12} alone {_words(cue['alone'])}; shuffled {-cue['drop']:+.3f}")
    probes = {"all images": found["source_classifier"]["overall"], **found["source_classifier"]["labels"]}
    for name, probe in probes.items():
        if probe:
            print(f"source of {name}: chance {probe['chance']:.2f}, {_words(probe['measures'])} {probe['sources']}")
    for name, dataset in found["datasets"].items():
        print(f"{name}: {_words(dataset['measures'])}")
    for entry in found["altered_images"]:
        print(f"{entry['change']:24} {_words(entry['measures'])}")
    for entry in found["left_out"]:
        print(f"without {entry['source']}: {_words(entry['measures'])}; with it: {_words(entry['with_source'])}")


def _words(measures: list[dict]) -> str:
    return ", ".join(
        f"{found['name']} {found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}] n={found['n']}"
        for found in measures
    )


if __name__ == "__main__":
    main()
