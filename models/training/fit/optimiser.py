"""How a network learns: AdamW, its schedule, and what it is compiled with."""

import keras

from models.task import Task
from models.training.fit.losses import class_weights, masked_accuracy, masked_cross_entropy
from models.training.manifest import Example
from models.training.recipe import Recipe


def adam_w(learning_rate: float, weight_decay: float, averaging: float, steps: int) -> keras.Optimizer:
    """AdamW with a warm-up and a cosine schedule over `steps`, and a moving average of the weights.

    That average is what is validated and kept (Polyak and Juditsky, 1992; Izmailov et al., UAI 2018,
    arXiv:1803.05407): flatter minima at no cost in serving.
    """
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20, steps - steps // 20, alpha=0.01, warmup_target=learning_rate, warmup_steps=steps // 20
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=weight_decay,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=averaging,
        ema_overwrite_frequency=None,
    )


def compile_for_training(task: Task, network: keras.Model, examples: list[Example], recipe: Recipe, steps: int) -> None:
    """Give `network` its optimiser, the loss of each head weighted as `recipe` says, and the accuracies to watch."""
    network.compile(
        adam_w(recipe.learning_rate, recipe.weight_decay, recipe.averaging, steps),
        loss={
            head.key: masked_cross_entropy(class_weights(head, examples, recipe.balance), recipe.label_smoothing)
            for head in task.heads
        },
        loss_weights={head.key: dict(recipe.head_weights).get(head.key, 1.0) for head in task.heads},
        metrics={head.key: [masked_accuracy(len(head.labels))] for head in task.heads},
        jit_compile=False,
    )
