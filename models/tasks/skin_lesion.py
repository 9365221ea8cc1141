from models.measures import Metric
from models.task import DataSource, Head, Label, Modality, OperatingPoint, Target, Task

TASK = Task(
    name="skin_lesion",
    title="Skin lesion",
    question="Which of seven types of pigmented lesion is it?",
    image_kind="A dermatoscopic image of one lesion, centred",
    modality=Modality.DERMOSCOPY,
    default_network="mobilenet_v2",
    heads=(
        Head(
            key="lesion",
            title="Lesion",
            labels=(
                Label(
                    "akiec",
                    "Actinic keratosis or Bowen's disease",
                    note="precancerous or in situ",
                    operating_point=OperatingPoint.SENSITIVITY_95,
                ),
                Label("bcc", "Basal cell carcinoma", note="malignant", operating_point=OperatingPoint.SENSITIVITY_95),
                Label("bkl", "Benign keratosis", note="benign"),
                Label("df", "Dermatofibroma", note="benign"),
                Label("mel", "Melanoma", note="malignant", operating_point=OperatingPoint.SENSITIVITY_95),
                Label("nv", "Melanocytic nevus", note="benign"),
                Label("vasc", "Vascular lesion", note="benign"),
            ),
        ),
    ),
    primary="lesion",
    intended_use="Research on dermatoscopic images, and a second opinion beside the clinician's own.",
    limitations=(
        "It knows seven types only: a lesion of any other type gets a wrong name or an inconclusive result.",
        "Learned on HAM10000, almost only light skin (Vienna, Queensland); not valid for darker skin.",
        "Dermatoscopes only: not for ordinary camera or phone pictures.",
        "About half of its labels are histopathology, the rest follow-up, consensus or confocal microscopy.",
    ),
    out_of_scope=(
        "Deciding whether to take a biopsy: a benign answer does not exclude melanoma.",
        "Lesions of mucosa, nails or scalp, and rashes, infections and wounds.",
        "Comparing a lesion with its earlier images.",
    ),
    subgroups=(
        "Skin tone is not recorded in the data, which show almost only light skin: darker skin is not covered.",
        "Age, sex and body site were not used, and no result by them can be given.",
        "Device: dermatoscopes that are not named.",
    ),
    sources=(
        DataSource(
            name="HAM10000 (doi:10.1038/sdata.2018.161)",
            datasets=("HAM10000",),
            licence="CC BY-NC 4.0 as recalled, not read at the source; the Kaggle copy states CC BY-NC-SA 4.0.",
            bias=(
                "Vienna and Queensland, almost only light skin. Two renderings (sharp crop, softer whole field), the "
                "sharp one rarer for melanoma. Nevi are 30 % here and 67 % in HAM10000: probabilities fit this mix."
            ),
        ),
        DataSource(
            name="ISIC archive, 2018 task 1 (arXiv:1902.03368)",
            datasets=("ISIC archive outside HAM10000 (MSK/UDA, ISIC 2018 task 1 images)",),
            licence="CC0 or CC BY-NC by image, as recalled.",
            bias="Mostly New York; melanoma, nevus and benign keratosis only. Rulers, ink marks and violet circles.",
        ),
    ),
    targets=(
        Target(Metric.BALANCED_ACCURACY, reach=0.75, stretch=0.85),
        Target(Metric.MEAN_AUC, reach=0.95, stretch=0.97),
    ),
)
