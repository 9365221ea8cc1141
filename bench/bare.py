"""The compiled networks without anything around them: what a prediction costs at the least."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

import models
from models.imaging import prepare
from models.runtime import GRAPH, THREADS


class BareNetwork:
    """The interpreter of the network that serves `task`, with one image already in its input tensor."""

    def __init__(self, task: models.Task, pixels: np.ndarray) -> None:
        card = models.get_card(task)
        self.views = len(card.tta_views)
        graph = models.current_deployment().network_of(task).folder / GRAPH
        self._interpreter = Interpreter(model_path=str(graph), num_threads=THREADS)
        self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(self._interpreter.get_input_details()[0]["index"], prepare(pixels, card.spec))

    def invoke(self) -> None:
        """One forward pass for each view of the card."""
        for _ in range(self.views):
            self._interpreter.invoke()
