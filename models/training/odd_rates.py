"""How the gate meets odd pictures: python -m models.training.odd_rates [--split val]

Images of each task, altered in ways that the gate's network never learned from (other_alterations.py), take the way of
an upload through the gate. Printed for each type of image and oddity: the share that is refused, and for the right
reason; of borders and round fields, which are nothing odd, the share that is read and of how many they were cut away;
of inverted images also the share that is put right and read. Last, how many right, unaltered images each reason stops.
"""

import argparse
from collections import Counter
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from models.gate import GateVerdict
from models.inference import pass_gate
from models.reason import ReasonCode
from models.registry import all_tasks
from models.task import Modality, Task
from models.training import other_alterations
from models.training.datasets import load_examples
from models.training.manifest import SPLITS, read_upload
from models.training.recipes.modality import ODD

OF_EACH_TYPE = 400
# Way of alteration -> the reason that should be given; of a way that is not here, none.
REASONS = {
    "beside": ReasonCode.TWO_PICTURES,
    "above": ReasonCode.TWO_PICTURES,
    "screen": ReasonCode.SCREEN_PHOTO,
    "drawn on": ReasonCode.DRAWN_ON,
    "covered": ReasonCode.MARKER_COVERS,
    "inverted": ReasonCode.INVERTED,
    "turned": ReasonCode.TURNED,
}


def odd_rates(split: str) -> dict[tuple[Modality, str], Counter[str]]:
    """(Type of image, way) -> how many pictures there were ("n"), were "refused", refused for the "right reason",
    put right ("righted") and read ("read")."""
    counts: dict[tuple[Modality, str], Counter[str]] = {}
    tasks = {task.modality: task for task in all_tasks()}
    for kind, way, example in tqdm(
        ODD.of_split(split, other_alterations, OF_EACH_TYPE), desc="asking about odd pictures"
    ):
        verdict = pass_gate(tasks[kind], read_upload(example))
        counts.setdefault((kind, way), Counter()).update(_counted(verdict, REASONS.get(way)))
    return counts


def _counted(verdict: GateVerdict, right: ReasonCode | None) -> Counter[str]:
    return Counter(
        {
            "n": 1,
            "refused": int(not verdict.passed),
            "right reason": int(verdict.reason is not None and verdict.reason.code == right),
            "righted": int(bool(verdict.righted and verdict.righted.done)),
            "read": int(verdict.passed),
        }
    )


def stopped_rates(task: Task, split: str) -> dict[str, float]:
    """Reason code -> the share of the task's own, unaltered images that it stops; "any" for all reasons of the gate."""
    verdicts = [pass_gate(task, read_upload(one)) for one in tqdm(load_examples(task, splits=(split,)), desc=task.name)]
    return {"any": _share(not verdict.passed for verdict in verdicts)} | {
        code: _share(verdict.reason is not None and verdict.reason.code == code for verdict in verdicts)
        for code in dict.fromkeys(REASONS.values())
    }


def _share(answers: Iterable[bool]) -> float:
    return float(np.mean(list(answers)))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.odd_rates", description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=SPLITS, default="val")
    split = parser.parse_args(arguments).split
    for (kind, way), counts in odd_rates(split).items():
        shares = " ".join(f"{name} {counts[name] / counts['n']:.3f}" for name in counts if name != "n")
        print(f"{kind:15} {way:12} n={counts['n']:4} {shares}")
    for task in all_tasks():
        stopped = " ".join(f"{code} {share:.4f}" for code, share in stopped_rates(task, split).items())
        print(f"{task.name:15} own images stopped: {stopped}")


if __name__ == "__main__":
    main()
