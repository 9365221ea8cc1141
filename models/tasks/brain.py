from models.measures import Metric
from models.task import DataSource, Head, Label, Modality, OperatingPoint, Target, Task

TASK = Task(
    name="brain",
    title="Brain MRI",
    question="Is a tumour present? If so, which type?",
    image_kind="One slice of a brain MRI, T1 with contrast if there is one",
    modality=Modality.BRAIN_MRI,
    default_network="mobilenet_v2",
    heads=(
        Head(
            key="tumour",
            title="Tumour",
            labels=(
                Label("glioma", "Glioma", operating_point=OperatingPoint.SENSITIVITY_95),
                Label("meningioma", "Meningioma", operating_point=OperatingPoint.SENSITIVITY_95),
                Label("pituitary", "Pituitary tumour", operating_point=OperatingPoint.SENSITIVITY_95),
                Label("no_tumor", "No tumour seen", is_finding=False),
            ),
        ),
    ),
    primary="tumour",
    intended_use="Research on MRI slices, and a second opinion beside the reader's own.",
    limitations=(
        "MRI only: it was not trained on CT, and CT is refused where it is recognised.",
        "One slice is read at a time; the rest of the series is not considered.",
        "Most tumours came as contrast-enhanced T1, the others as other sequences from the web: a cue by itself.",
        "Slices of one patient may be in both training and test, since the main source has no patient numbers: expect "
        "less than the measured figures on patients of your own.",
        "All published figures of version 1.0.0 are void: half of its test images had a mirrored or turned copy among "
        "the images that it learned from.",
        "'No tumour seen' does not mean a healthy brain; metastases, lymphoma, abscess and others were not learned.",
    ),
    out_of_scope=(
        "Grading a tumour, planning or following its treatment.",
        "Bleeding, stroke, inflammation and everything that the four answers do not name.",
        "CT, spine, angiography and functional images.",
    ),
    subgroups=(
        "Age and sex are not recorded: no result by them can be given.",
        "Scanner, field strength and sequence are not recorded; sequence and origin go with the label 'no tumour'.",
    ),
    sources=(
        DataSource(
            name="Brain Tumor MRI Dataset (Nickparvar; doi:10.34740/kaggle/dsv/2645886)",
            datasets=(
                "Brain Tumor MRI Dataset (Nickparvar) official Training",
                "Brain Tumor MRI Dataset (Nickparvar) official Testing",
            ),
            licence="As recalled, not verified: CC0 by Kaggle, its figshare part CC BY 4.0; SARTAJ and Br35H unknown.",
            bias=(
                "Tumours are nearly all contrast-enhanced T1, the others mostly axial T2 or FLAIR from the web. No "
                "patient numbers: slices of one patient may be in training and test. All squeezed to a square. Half of "
                "its test images had a mirrored or turned copy in training; these copies are out since version 1.1.0."
            ),
        ),
        DataSource(
            name="TCIA Brain-Tumor-Progression (doi:10.7937/K9/TCIA.2018.15quzvnb)",
            datasets=("TCIA Brain-Tumor-Progression (T1 post contrast)",),
            licence="CC BY 3.0.",
            bias="Eight patients with treated glioblastoma, axial T1 after contrast; cavities after surgery occur.",
        ),
        DataSource(
            name="NTUA Parkinson data set (Tagaris et al., 2018)",
            datasets=("NTUA Parkinson (clinical MRI, 128 px)",),
            licence="For academic use.",
            bias="No tumour, by no reader's word; elderly brains of one hospital, soft (128 px).",
        ),
        DataSource(
            name="NiChart demonstration data (CBICA)",
            datasets=("NiChart demo T1 (2 mm)", "NiChart demo FLAIR (2 mm)"),
            licence="Terms of CBICA, not stated for the data.",
            bias="No tumour; 17 mostly elderly people, white-matter lesions in several; soft (2 mm voxels).",
        ),
        DataSource(
            name="Volunteers: IXI, Siemens Trio MPRAGE, niivue",
            datasets=("IXI T1 (2 mm)", "Siemens Trio MPRAGE (one volunteer)", "niivue demo (one volunteer)"),
            licence="IXI CC BY-SA 3.0 as recalled; niivue CC BY-NC 4.0.",
            bias="No tumour; four healthy people.",
        ),
    ),
    targets=(Target(Metric.ACCURACY, reach=0.95, stretch=0.98),),
)
