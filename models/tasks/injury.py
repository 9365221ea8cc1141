from models.measures import Metric
from models.task import DataSource, Head, Label, Modality, Target, Task

TASK = Task(
    name="injury",
    title="Injury",
    question="Is it a burn, another wound, or skin without injury?",
    image_kind="A colour photo of the injured skin, taken close and in good light",
    modality=Modality.CLINICAL_PHOTO,
    default_network="mobilenet_v2",
    heads=(
        Head(
            key="injury",
            title="Injury",
            labels=(
                Label("burn", "Burn"),
                Label("wound", "Wound", note="cut, laceration, abrasion, bruise, ulcer or surgical wound"),
                Label("normal_skin", "Normal skin", is_finding=False),
            ),
        ),
        Head(
            key="burn_degree",
            title="Burn degree",
            labels=(
                Label("first_degree_burn", "First degree"),
                Label("second_degree_burn", "Second degree"),
                Label("third_degree_burn", "Third degree"),
            ),
            asked_if=("injury", "burn"),
            note="Learned from noisy web labels, first degree mostly from sunburn: read it as a hint only.",
        ),
        Head(
            key="wound_kind",
            title="Wound type",
            labels=(
                Label("abrasion", "Abrasion"),
                Label("bruise", "Bruise"),
                Label("cut", "Cut"),
                Label("laceration", "Laceration"),
                Label("diabetic_ulcer", "Diabetic ulcer"),
                Label("pressure_ulcer", "Pressure ulcer"),
                Label("venous_ulcer", "Venous ulcer"),
                Label("surgical_wound", "Surgical wound"),
            ),
            asked_if=("injury", "wound"),
        ),
    ),
    primary="injury",
    intended_use="Sorting photos of injuries for research and documentation; a prompt to look again, not a triage.",
    limitations=(
        "Nearly all burns came from one collection of web pictures: how it reads burns from elsewhere is not known.",
        "Most wounds came from one clinic: the network may lean on background and style.",
        "Few acute injuries were learned (cuts, lacerations, abrasions); stab wounds and ingrown nails not at all.",
        "Darker skin is under-represented among first and second degree burns.",
        "It says nothing about size, infection or healing.",
    ),
    out_of_scope=(
        "Deciding on urgency, treatment or referral.",
        "Rashes, infections, bites and other disease of the skin; moles and tumours of the skin.",
        "Following the healing of one wound over time.",
    ),
    subgroups=(
        "Skin tone is not recorded in the data and not covered evenly: no result by skin tone can be given.",
        "Age and sex are not recorded; photos of children were left out of the burns.",
        "Device: two cameras are known at one clinic (iPad Pro, Canon SX 620 HS), none elsewhere.",
    ),
    sources=(
        DataSource(
            name="AZH Wound and Vascular Center, Milwaukee (doi:10.1038/s41598-022-21813-0)",
            datasets=("AZH", "AZH (normal skin)"),
            licence="No licence file; the authors ask to be cited.",
            bias="One clinic: chronic and surgical wounds. All normal skin was cut from its photos.",
        ),
        DataSource(
            name="Foot Ulcer Segmentation Challenge 2021 (doi:10.1038/s41598-020-78799-w)",
            datasets=("AZH-FUSeg-2021",),
            licence="No licence file; shared publicly with permission of AZH.",
            bias="The clinic of AZH: patients may recur. All count as diabetic ulcers, though no cause is given.",
        ),
        DataSource(
            name="Web image search for wounds (mlaradji)",
            datasets=("google-images (mlaradji)",),
            licence="Unknown; some carry watermarks of stock agencies.",
            bias="Surgical, foot, leg and pressure wounds, picked by eye.",
        ),
        DataSource(
            name="Kaggle skin burn dataset (shubhambaid)",
            datasets=("kaggle-shubhambaid-skin-burn",),
            licence="Unknown; web pictures, many with watermarks of stock agencies.",
            bias="Nearly all burns: the look of the web is a cue for a burn. First degree is mostly sunburn.",
        ),
        DataSource(
            name="Kaggle wound dataset (yasinpratomo)",
            datasets=("kaggle-yasinpratomo-wound",),
            licence="Unknown; web pictures, many with watermarks of stock agencies.",
            bias="The few cuts, lacerations, abrasions and bruises, in part stretched to a square.",
        ),
        DataSource(
            name="MySkin, close-up photos of normal skin",
            datasets=("MySkin normal (close-up photos)",),
            licence="No licence file.",
            bias="Plain close-ups without background, light to dark brown skin; normal skin only.",
        ),
        DataSource(
            name="Sign Language Digits (arXiv:2011.08927)",
            datasets=("Sign Language Digits hands (100 px)",),
            licence="Apache-2.0.",
            bias="Whole hands on a plain wall, only 100 px; normal skin only.",
        ),
    ),
    targets=(Target(Metric.ACCURACY, reach=0.93, stretch=0.97),),
)
