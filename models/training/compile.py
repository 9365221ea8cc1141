"""Compile the trained networks into serving graphs: python -m models.training.compile [TASK ...] [--force]

Beside each model.keras it writes graph.tflite (LiteRT) and graph.json (what it was made from). A graph is left alone
while its model.keras and the precision that its card wants have not changed, so that a second run ends at once and
without importing TensorFlow.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile

import numpy as np

from models.card_file import NetworkUnavailable, read_card
from models.deployment import current_deployment, served_tasks
from models.runtime import GRAPH, GRAPH_FACTS, MODEL, file_sha256
from models.task import Task


def compile_graph(model, task: Task, precision: str = "float32") -> bytes:
    """The serving graph of a network, as LiteRT bytes, with weights of this precision.

    Input `pixels` float32 [1, h, w, 3] in 0 to 255. Outputs of the one forward pass: `logits` [1, k] (all heads side by
    side), `maps` [1, h', w', k] (class activation map of each logit, before scaling), `features` [1, channels].
    """
    import keras
    import tensorflow as tf

    from models.architectures.network import answer, dense_heads

    heads = dense_heads(task, model)
    trunk = keras.Model(model.inputs[0], model.get_layer("features").input)

    def serve(pixels):
        feature_map = trunk(pixels, training=False)
        logits, maps = answer(heads, feature_map)
        return {"logits": logits, "maps": maps, "features": tf.reduce_mean(feature_map, axis=(1, 2))}

    pixels = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32, name="pixels")
    # By way of Keras's own archive: from a bare concrete function the converter leaves the weights out, silently.
    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(trunk)
        archive.add_endpoint("serve", serve, [pixels])
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        # float32 unless a card says that less was measured to be enough: the converter folds batch norm into the
        # weights, and rounding the products to float16 moved the probabilities of 50 injury images by up to 0.009
        # (tests/ml/test_parity.py allows 0.001).
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def is_compiled(task: Task) -> bool:
    """Whether the graph of the network that serves `task` was made from its model.keras, as its card wants it."""
    folder = current_deployment().network_of(task).folder
    try:
        facts = json.loads((folder / GRAPH_FACTS).read_text(encoding="utf-8"))
        wanted = read_card(task).precision
    except (FileNotFoundError, ValueError, NetworkUnavailable):
        return False
    return (
        (folder / GRAPH).exists()
        and facts.get("model_sha256") == file_sha256(folder / MODEL)
        and facts.get("precision") == wanted
    )


def compile_network(task: Task) -> None:
    """Write graph.tflite and graph.json for the network that serves `task`. The card must fit the network."""
    from models.training.store import load_network

    card, folder = read_card(task), current_deployment().network_of(task).folder
    sha256 = file_sha256(folder / MODEL)
    if sha256 != card.sha256:
        raise SystemExit(f"{folder / MODEL} is not the network that its card describes. Train or check it out again.")
    graph = compile_graph(load_network(folder / MODEL), task, card.precision)
    _check_finite(graph)
    (folder / GRAPH).write_bytes(graph)
    facts = {
        "model_sha256": sha256,
        "precision": card.precision,
        "graph_sha256": hashlib.sha256(graph).hexdigest(),
    }
    (folder / GRAPH_FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _check_finite(graph: bytes) -> None:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=graph).get_signature_runner()
    shape = runner.get_input_details()["pixels"]["shape"]
    for name, value in runner(pixels=np.full(shape, 127.0, np.float32)).items():
        if not np.isfinite(value).all():
            raise SystemExit(f"The compiled graph gives values that are no numbers in {name!r}; it was not written.")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.compile", description=__doc__.splitlines()[0])
    parser.add_argument("task", nargs="*", help="task names, `modality` for the gate (default: all)")
    parser.add_argument("--force", action="store_true", help="compile again what is up to date")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow tells at length of the GPU that it did not find
    for task in served_tasks():
        if options.task and task.name not in options.task:
            continue
        if is_compiled(task) and not options.force:
            continue
        print(f"Compiling {task.name} ({current_deployment().network_of(task).name}) ...", flush=True)
        try:
            compile_network(task)
        except NetworkUnavailable as error:
            # The other tasks serve all the same; this one says on its page why it does not.
            print(f"Not compiled. {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
