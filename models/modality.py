"""The question that the gate's own network answers: which type of image is this? It is offered to no user."""

from models.task import Head, Label, Modality, Task

MODALITY_TASK = Task(
    name="modality",
    title="Type of image",
    question="Which type of image is it?",
    image_kind="Any image",
    modality=Modality.NOT_MEDICAL,
    default_network="mobilenet_v2",
    heads=(
        Head(
            key="modality",
            title="Type of image",
            labels=(
                Label(Modality.CLINICAL_PHOTO, "a photo of skin or an injury"),
                Label(Modality.DERMOSCOPY, "a dermatoscopic image"),
                Label(Modality.BONE_XRAY, "a bone X-ray"),
                Label(Modality.CHEST_XRAY, "a chest X-ray"),
                Label(Modality.BRAIN_MRI, "a brain MRI"),
                Label(Modality.NOT_MEDICAL, "an image of another type", is_finding=False),
            ),
        ),
    ),
    primary="modality",
    intended_use="Refusing images that a task is not intended for.",
    limitations=("Types of image that it never saw (CT, ultrasound, histology) may pass for the nearest one.",),
)
