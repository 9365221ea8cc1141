"""The question that the gate's own network answers: which kind of image is this? It is offered to no user."""

from models.task import Head, Label, Modality, Task

MODALITY_TASK = Task(
    name="modality",
    title="Kind of image",
    question="Which kind of image is it?",
    image_kind="Any image",
    modality=Modality.NOT_MEDICAL,
    default_network="mobilenet_v2",
    heads=(
        Head(
            key="modality",
            title="Kind of image",
            labels=(
                Label(Modality.CLINICAL_PHOTO, "a photo of skin or an injury"),
                Label(Modality.DERMOSCOPY, "a dermatoscopic image"),
                Label(Modality.BONE_XRAY, "a bone X-ray"),
                Label(Modality.CHEST_XRAY, "a chest X-ray"),
                Label(Modality.BRAIN_MRI, "a brain MRI"),
                Label(Modality.NOT_MEDICAL, "a picture that is none of Lumen's kinds", is_finding=False),
            ),
        ),
    ),
    primary="modality",
    intended_use="Refusing pictures that a task was not made for.",
    limitations=("Kinds of image that it never saw (CT, ultrasound, histology) may pass for the nearest one.",),
)
