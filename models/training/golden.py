"""The golden input of each network: a picture drawn from a seed, and the probabilities that Keras gives for it.

Tests hold the compiled graph against it, so that a change of the serving path cannot go unseen.
"""

import json

import numpy as np

from models.card_file import read_card
from models.deployment import current_deployment
from models.imaging import prepare
from models.inference import decide
from models.runtime import MODEL
from models.task import Task
from models.training.calibrate import mean_logits
from models.training.store import load_network
from models.training.synthetic import draw_golden

GOLDEN = "golden.json"
SEED = 7


def write_golden(task: Task) -> None:
    """Write golden.json beside the network that serves `task`, answered by Keras from model.keras."""
    card, folder = read_card(task), current_deployment().network_of(task).folder
    network = load_network(folder / MODEL)
    by_head = mean_logits(network, prepare(draw_golden(SEED), card.spec), card.tta_views)
    logits = np.concatenate([by_head[head.key].ravel() for head in task.heads])
    probabilities = {
        result.head.key: [round(line.probability, 6) for line in result.labels] for result in decide(task, card, logits)
    }
    facts = {"seed": SEED, "probabilities": probabilities}
    (folder / GOLDEN).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
