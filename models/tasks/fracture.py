from models.measures import Metric
from models.task import DataSource, Head, Label, Modality, OperatingPoint, Target, Task

PART = Head(
    key="part",
    title="Body part",
    labels=(
        Label("ankle_foot", "Ankle or foot"),
        Label("elbow", "Elbow"),
        Label("finger", "Finger"),
        Label("forearm", "Forearm"),
        Label("hand", "Hand"),
        Label("hip", "Hip"),
        Label("humerus", "Upper arm"),
        Label("knee", "Knee"),
        Label("leg", "Lower leg"),
        Label("shoulder", "Shoulder"),
        Label("wrist", "Wrist"),
    ),
)

FRACTURED = Head(
    key="fractured",
    title="Fracture",
    labels=(
        Label("fractured", "Fractured", operating_point=OperatingPoint.SENSITIVITY_95),
        Label("normal", "No fracture seen", is_finding=False),
    ),
    conditioned_on="part",
    note="Answered by the specialist for the detected body part.",
)

TYPE = Head(
    key="type",
    title="Fracture type",
    labels=(
        Label("avulsion", "Avulsion"),
        Label("comminuted", "Comminuted"),
        Label("fracture_dislocation", "Fracture dislocation"),
        Label("greenstick", "Greenstick"),
        Label("hairline", "Hairline"),
        Label("impacted", "Impacted"),
        Label("longitudinal", "Longitudinal"),
        Label("oblique", "Oblique"),
        Label("pathological", "Pathological"),
        Label("spiral", "Spiral"),
    ),
    asked_if=("fractured", "fractured"),
    note="Learned from unverified web labels that often contradict each other: read it as a hint only.",
)

TASK = Task(
    name="fracture",
    title="Bone fracture",
    question="Which body part is shown, and is it fractured?",
    image_kind="A plain radiograph of one limb, shoulder or hip",
    modality=Modality.BONE_XRAY,
    default_network="mobilenet_v2",
    heads=(PART, FRACTURED, TYPE),
    primary="fractured",
    intended_use="Research on radiographs, and a second opinion beside the reader's own.",
    limitations=(
        "Radiographs are read at a few hundred pixels: hairline fractures are often not visible at that size.",
        "In one of the sources (MURA) every abnormal radiograph, also one with plates or a cast, counts as fractured.",
        "Wrist and finger were learned from that source alone, and not at all by a network that did without it; hip, "
        "knee and lower leg from few fractured ones.",
        "Skull, spine, ribs, jaw and pelvis were not learned.",
        "One view does not exclude a fracture.",
    ),
    out_of_scope=(
        "Excluding a fracture, or sending a patient home.",
        "Radiographs after surgery, with plates, screws, prostheses or a cast.",
        "Tumours, infections, arthritis and the growth plates of children.",
    ),
    subgroups=(
        "Age and sex are not recorded; some radiographs are of children, but no result for children can be given.",
        "Device and hospital are not recorded; one source is known to differ in framing and brightness.",
    ),
    sources=(
        DataSource(
            name="FracAtlas (doi:10.1038/s41597-023-02432-4)",
            datasets=("FracAtlas",),
            licence="CC BY 4.0.",
            bias=(
                "Whole limbs on a plain plate; all knees, feet, lower legs and hips. Body parts in part told apart by "
                "eye, not by a radiologist. Casts are almost only on fractured limbs."
            ),
        ),
        DataSource(
            name="MURA, by its looks (arXiv:1712.06957)",
            datasets=("MURA",),
            licence="The copy claims CC BY 4.0; very probably Stanford's research-use agreement holds: no passing on.",
            bias=(
                "Dark, rotated and cropped; all wrists and fingers. Fractured means abnormal, plates and casts too; "
                "normal means that nothing was marked. A third of its abnormal fingers are wrists: 55 labels of parts "
                "were corrected, by eye and not by a radiologist."
            ),
        ),
        DataSource(
            name="Bone Break Classification (Roboflow, curso-rphcb)",
            datasets=("Bone Break Classification (Roboflow curso-rphcb)",),
            licence="The uploader claims CC BY 4.0 but did not make the images; theirs is unknown or mixed.",
            bias=(
                "Types searched on the web and checked by nobody, not always exclusive. Type and body part go "
                "together; arrows and letters mark the fracture in some."
            ),
        ),
    ),
    targets=(
        Target(Metric.AUC, reach=0.88, stretch=0.93),
        Target(Metric.SENSITIVITY_AT_OPERATING_POINT, reach=0.90, label="fractured"),
        Target(Metric.ACCURACY, reach=0.94, stretch=0.97, head="part"),
        Target(Metric.ACCURACY, reach=0.45, stretch=0.60, head="type"),
        Target(Metric.TOP_THREE_ACCURACY, reach=0.75, stretch=0.88, head="type"),
    ),
)
