"""All questions about radiographs as one task, to train a trunk before it learns one of them; it never serves."""

from models.gate import MODALITY_TASK
from models.task import Modality, Task
from models.tasks import chest, fracture

XRAY_TASK = Task(
    name="xray",
    title="Radiographs",
    question="What is on the film?",
    image_kind="A plain X-ray of a limb or the chest",
    modality=Modality.BONE_XRAY,
    network="resnet50",
    heads=(*fracture.TASK.heads, *chest.TASK.heads, *MODALITY_TASK.heads),
    primary=fracture.TASK.primary,
    intended_use="A start for the networks of fracture and chest.",
    limitations=(),
)
