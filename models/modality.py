"""The questions that the gate's own network answers: which type of image is this, and what is odd about it?

It is offered to no user. All heads are of one forward pass.
"""

from models.task import Head, Label, Modality, Task


class Turned:
    """Labels of the head `turned`: how the picture was turned, seen from upright."""

    UPRIGHT, LEFT, RIGHT, UPSIDE_DOWN = "upright", "left", "right", "upside_down"


class Layout:
    """Labels of the head `layout`."""

    ONE, BESIDE, ABOVE = "one", "beside", "above"


class Marks:
    """Labels of the head `marks`. Small letters that cover no tissue, as radiographs have them, are NONE."""

    NONE, DRAWN, COVERING = "none", "drawn", "covering"


INVERTED, SCREEN = "inverted", "screen"

# What is odd about a picture. The first label of each head is the usual one.
ODD_HEADS = (
    Head(
        key="turned",
        title="Turned",
        labels=(
            Label(Turned.UPRIGHT, "upright", is_finding=False),
            Label(Turned.LEFT, "turned a quarter to the left"),
            Label(Turned.RIGHT, "turned a quarter to the right"),
            Label(Turned.UPSIDE_DOWN, "upside down"),
        ),
    ),
    Head(
        key="inverted",
        title="Light and dark",
        labels=(Label("usual", "as usual", is_finding=False), Label(INVERTED, "light and dark exchanged")),
    ),
    Head(
        key="layout",
        title="Pictures in it",
        labels=(
            Label(Layout.ONE, "one picture", is_finding=False),
            Label(Layout.BESIDE, "side by side"),
            Label(Layout.ABOVE, "above each other"),
        ),
    ),
    Head(
        key="capture",
        title="How it was taken",
        labels=(Label("direct", "directly", is_finding=False), Label(SCREEN, "photographed off a screen or light box")),
    ),
    Head(
        key="marks",
        title="Drawings",
        labels=(
            Label(Marks.NONE, "none", is_finding=False),
            Label(Marks.DRAWN, "arrows, circles or pen strokes"),
            Label(Marks.COVERING, "text or a marker over the tissue"),
        ),
    ),
)
_RADIOGRAPHS = frozenset({Modality.BONE_XRAY, Modality.CHEST_XRAY})
_OF_TASKS = _RADIOGRAPHS | {Modality.BRAIN_MRI, Modality.DERMOSCOPY, Modality.CLINICAL_PHOTO}
# Head key -> the types of image of which it is asked: limbs, skin and photos have no upright, and colours no negative.
ASKED_OF: dict[str, frozenset[Modality]] = {
    "turned": frozenset({Modality.CHEST_XRAY, Modality.BRAIN_MRI}),
    "inverted": _RADIOGRAPHS | {Modality.BRAIN_MRI},
    "layout": _OF_TASKS,
    "capture": _OF_TASKS,
    "marks": _OF_TASKS,
}
# (Head, type of image) -> labels that count as usual there. Axial slices of a head look much alike upside down: on
# validation the least upright MRIs, with probabilities from 0.37, were right ones of that kind.
NOT_TOLD: dict[tuple[str, Modality], tuple[str, ...]] = {("turned", Modality.BRAIN_MRI): (Turned.UPSIDE_DOWN,)}

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
                Label(Modality.HEAD_CT, "a head CT", is_finding=False),
                Label(Modality.LESION_PHOTO, "a camera photo of a skin lesion", is_finding=False),
                Label(Modality.OTHER_MEDICAL, "a medical image of another type", is_finding=False),
                Label(Modality.NOT_MEDICAL, "an image of another type", is_finding=False),
            ),
        ),
        *ODD_HEADS,
    ),
    primary="modality",
    intended_use="Refusing images that a task is not intended for.",
    limitations=(
        "Types of image that it never saw (spine or abdomen, mammography, histology) may pass for the nearest one.",
        "What is odd about a picture it learned from alterations drawn by code, not from real screen photos or pens.",
    ),
)


def usual_labels(head: Head, kind: Modality) -> tuple[str, ...]:
    """The labels of one of ODD_HEADS that say that nothing is odd about a picture of this type."""
    return (head.labels[0].key, *NOT_TOLD.get((head.key, kind), ()))
