from models.measures import Metric
from models.task import DataSource, Head, Label, Modality, OperatingPoint, Target, Task

NLM = "Shenzhen and Montgomery (U.S. National Library of Medicine)"

TASK = Task(
    name="chest",
    title="Chest X-ray",
    question="Are there signs of pneumonia or tuberculosis?",
    image_kind="A frontal chest X-ray (PA or AP)",
    modality=Modality.CHEST_XRAY,
    default_network="mobilenet_v2",
    heads=(
        Head(
            key="chest",
            title="Chest",
            labels=(
                Label("normal", "No sign of either", is_finding=False),
                Label("pneumonia", "Pneumonia", operating_point=OperatingPoint.SENSITIVITY_95),
                Label("tuberculosis", "Tuberculosis", operating_point=OperatingPoint.SENSITIVITY_95),
            ),
        ),
    ),
    primary="chest",
    intended_use="Research on chest radiographs, and a second opinion beside the reader's own.",
    limitations=(
        "Pneumonia was learned mostly from children aged 1 to 5, tuberculosis mostly from adults: age itself is a cue.",
        "Image sources differ between the labels; on radiographs of other hospitals it will do worse than here: "
        "networks trained without one source were wrong on most of its radiographs.",
        "It knows three answers only: effusion, tumour, pneumothorax, heart failure and others are not looked for.",
        "A normal answer does not exclude disease; many radiographs with tuberculosis show little at this resolution.",
    ),
    out_of_scope=(
        "Screening for or excluding tuberculosis or pneumonia.",
        "Lateral and supine views, tubes and lines, and everything that the three answers do not name.",
        "Following the course of a disease over several radiographs.",
    ),
    subgroups=(
        "Age is not recorded per image and differs between the labels: no result for children or adults can be given.",
        "Sex is not recorded.",
        "Device and hospital are not recorded per image; results by source stand in for them.",
    ),
    sources=(
        DataSource(
            name="Kermany et al., Guangzhou (doi:10.17632/rscbjbr9sj)",
            datasets=(
                "Chest X-Ray Images (Pneumonia), Kermany et al. (224x224 copy), official train",
                "Chest X-Ray Images (Pneumonia), Kermany et al. (224x224 copy), official test",
                "Chest X-Ray Images (Pneumonia), Kermany et al. (native copy), official train",
                "Chest X-Ray Images (Pneumonia), Kermany et al. (native copy), official test",
            ),
            licence="CC BY 4.0 as recalled, not read at the source.",
            bias="Children aged 1 to 5, normal and pneumonia only; most were squeezed to a square.",
        ),
        DataSource(
            name="Normal films of a compilation, authors unknown",
            datasets=(
                "compiled CXR set (normal folder, 1024 px)",
                "compiled CXR set (normal folder, 512 px)",
                "compiled CXR set (normal folder, 256 px)",
            ),
            licence="Unknown.",
            bias="Adults, normal only, sharper than the rest; a part is from one clinic and carries a box with an L.",
        ),
        DataSource(
            name="NIH ChestX-ray8, a part",
            datasets=(
                "NIH ChestX-ray8/14 subset (No_findings), via muhammedtalo/COVID-19",
                "NIH ChestX-ray8/14 subset (Pneumonia), via muhammedtalo/COVID-19",
            ),
            licence="Free use with attribution as far as known, not read at the source.",
            bias="Pneumonia was mined from reports: about half of these radiographs look unremarkable.",
        ),
        DataSource(
            name="COVID-19 image data collection (Cohen et al.)",
            datasets=(
                "covid-chestxray-dataset (Cohen et al.), via muhammedtalo/COVID-19",
                "covid-chestxray-dataset (Cohen et al.), part 2: COVID-19, AP",
                "covid-chestxray-dataset (Cohen et al.), part 2: COVID-19, AP Supine",
                "covid-chestxray-dataset (Cohen et al.), part 2: COVID-19, PA",
                "covid-chestxray-dataset (Cohen et al.), part 2: other pneumonia, AP",
                "covid-chestxray-dataset (Cohen et al.), part 2: other pneumonia, AP Supine",
                "covid-chestxray-dataset (Cohen et al.), part 2: other pneumonia, PA",
            ),
            licence="Differs from image to image.",
            bias="COVID-19 counts as pneumonia. From journals and web cases; supine radiographs are all pneumonia.",
        ),
        DataSource(
            name=NLM,
            datasets=("Shenzhen Hospital CXR set (NLM), 128x128 copy", "Montgomery County CXR set (NLM), 128x128 copy"),
            licence="Public; the conditions were not verified.",
            bias="The only source with both normal and tuberculosis; 128 px, squeezed; some marks and black bars.",
        ),
        DataSource(
            name="TBX11K (Liu et al., CVPR 2020)",
            datasets=("TBX11K (active TB only)",),
            licence="CC BY 4.0 by a secondary source.",
            bias="Tuberculosis only, all at 256 px: sharpness gives the label away.",
        ),
    ),
    targets=(
        Target(Metric.ACCURACY, reach=0.92, stretch=0.97),
        Target(Metric.AUC, reach=0.85, stretch=0.93, label="tuberculosis", source=NLM),
    ),
)
