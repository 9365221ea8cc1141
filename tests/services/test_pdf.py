"""The PDF as a reader's program sees it."""

import io
import random
import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream, DictionaryObject
from reportlab.pdfgen.canvas import Canvas

from app.services.report.content import (
    RESEARCH_USE,
    HeadSection,
    Heatmap,
    ImageSection,
    LabelLine,
    MeasureLine,
    NetworkSection,
    QualityPart,
    QualitySection,
    ReportContent,
    ReviewLine,
    Step,
)
from app.services.report.pdf import fonts, render_pdf
from app.services.report.pdf.style import STYLES
from app.services.report.pdf.text import break_lines, draw_line
from app.wording import STATUSES
from tests.fakes import picture

DOCUMENT = "d0" * 16
ISSUED = datetime(2026, 2, 3, 14, 5, 6)
LESION = HeadSection(
    key="lesion",
    title="Lesion",
    note="",
    reason="Melanoma: the only answer above its threshold.",
    is_primary=True,
    lines=(
        LabelLine("mel", "Melanoma", "malignant", 0.873, "likely"),
        LabelLine("nv", "Melanocytic nevus", "benign", 0.126, "unlikely"),
        LabelLine("vasc", "Vascular lesion", "benign", 0.001, "unlikely"),
    ),
)
IMAGE = ImageSection(
    key="a" * 32,
    original_name="IMG_2041.jpg",
    sha256="ab" * 32,
    width=320,
    height=240,
    status="done",
    outcome="finding",
    headline="Likely melanoma (probability 0.87)",
    reason="",
    steps=(),
    sections=(LESION,),
    heatmaps=(Heatmap("mel", "Melanoma"), Heatmap("nv", "Melanocytic nevus")),
    suggested_task="",
    analysed_at=ISSUED,
    timings_ms={"network": 2.5},
)
CONTENT = ReportContent(
    study_key="5e" * 16,
    institution="St Example Hospital",
    task="skin_lesion",
    task_title="Skin lesion",
    task_detected=False,
    question="Which kind of lesion is it?",
    created_at=datetime(2026, 2, 3, 14, 4),
    sent_by="Dr Anna Example",
    patient_name="Jane Doe",
    patient_reference="MRN 1234",
    note="Itches.",
    status="done",
    outcome="finding",
    headline=IMAGE.headline,
    reason="",
    images=(IMAGE,),
    network=NetworkSection(
        name="mobilenet_v2",
        version="1.2.0",
        sha256="9f" * 32,
        trained_on=("HAM10000",),
        measures=(MeasureLine("Balanced accuracy", 0.64, 0.6, 0.68, 1512),),
        label="Melanoma",
        label_measures=(MeasureLine("Sensitivity", 0.71, 0.65, 0.77, 171),),
    ),
    intended_use="Research only.",
    limitations=("Not for darker skin.",),
    reviews=(ReviewLine("Prof Reviewer", datetime(2026, 2, 4, 8, 0), False, "Melanocytic nevus", "Regular network."),),
    lead_position=0,
)


def render(content: ReportContent = CONTENT, pictures: dict | None = None) -> PdfReader:
    if pictures is None:
        pictures = {image.key: (picture(), picture(seed=1) if image.heatmaps else None) for image in content.images}
    data = render_pdf(content, document_id=DOCUMENT, issued_at=ISSUED, issued_by="Dr Issuer", pictures=pictures)
    return PdfReader(io.BytesIO(data), strict=True)


def words_of(document: PdfReader) -> str:
    """The text as it is read, in one line, letters in their ordinary forms."""
    text = " ".join(page.extract_text() for page in document.pages)
    return unicodedata.normalize("NFKC", " ".join(text.split()))


def hidden_words(document: PdfReader) -> str:
    """What the shaped glyphs say they stand for (ActualText)."""
    parts = []
    for page in document.pages:
        for operands, operator in ContentStream(page.get_contents(), document).operations:
            if operator == b"BDC" and isinstance(operands[1], DictionaryObject):
                parts.append(str(operands[1]["/ActualText"]))
    return "".join(parts)


def pictures_of(document: PdfReader) -> int:
    return sum(len(page.images) for page in document.pages)


def font_objects(document: PdfReader) -> list[DictionaryObject]:
    return [font.get_object() for page in document.pages for font in page["/Resources"]["/Font"].values()]


def test_says_all_that_the_report_says():
    words = words_of(render())
    for expected in (
        "St Example Hospital", "Skin lesion", "Which kind of lesion is it?", "Jane Doe", "MRN 1234", "Dr Anna Example",
        "Dr Issuer", "3 Feb 2026, 14:04 UTC", "3 Feb 2026, 14:05 UTC", "FINDING", "Likely melanoma (probability 0.87)",
        "Itches.", "IMG_2041.jpg", "ab" * 32, "Melanocytic nevus", "0.13", "<0.01", "benign", "Unlikely",
        "mobilenet_v2, version 1.2.0", "9f" * 32, "HAM10000", "Balanced accuracy 0.64 0.60 to 0.68 1512",
        "Sensitivity 0.71 0.65 to 0.77 171", "Research only.", "Not for darker skin.", "Regular network.",
        "Prof Reviewer, 4 Feb 2026, 08:00 UTC: disagrees; correct label: Melanocytic nevus",
    ):  # fmt: skip
        assert expected in words, expected


def test_figures_elsewhere_stand_under_those_at_home():
    elsewhere = (MeasureLine("Accuracy", 0.5, 0.48, 0.52, 3668), MeasureLine("Ill, called clear", 0.01, 0, 0.02, 2166))
    words = words_of(render(replace(CONTENT, network=replace(CONTENT.network, elsewhere=elsewhere))))
    parts = (
        "Measured performance: at home and elsewhere", "At home Balanced accuracy 0.64",
        "At home, the answer “Melanoma” Sensitivity 0.71", "Elsewhere Accuracy 0.50 0.48 to 0.52 3668",
        "Ill, called clear 0.01 0.00 to 0.02 2166", "At home: test images of the sources that the network learned from",
        "Elsewhere: short networks asked about images of hospitals and collections that they had never seen",
    )  # fmt: skip
    positions = [words.index(part) for part in parts]
    assert positions == sorted(positions)


def test_what_was_not_measured_elsewhere_is_told():
    words = words_of(render())
    assert "Elsewhere: not measured yet" in words
    assert "short networks" not in words


def test_without_any_figure_there_is_no_table_of_them():
    bare = replace(CONTENT.network, measures=(), label_measures=(), note="Its model card is missing.")
    words = words_of(render(replace(CONTENT, network=bare)))
    assert "Its model card is missing." in words
    assert "lsewhere" not in words


def test_a_question_with_many_answers_beside_the_primary_one_is_told_in_brief():
    lines = tuple(
        LabelLine(f"k{n}", f"Kind {n}", "", p, "possible") for n, p in enumerate((0.4, 0.3, 0.15, 0.1, 0.03, 0.02))
    )
    kinds = replace(LESION, key="kind", title="Kind", is_primary=False, lines=lines)
    steps = (Step("Lesion", "melanoma (0.87)"), Step("Kind", "uncertain: kind 0 (0.40) or kind 1 (0.30)"))
    image = replace(IMAGE, steps=steps, sections=(LESION, kinds))
    words = words_of(render(replace(CONTENT, images=(image,))))
    assert "Kind uncertain: kind 0 (0.40) or kind 1 (0.30)" in words
    assert "Less probable: kind 3 0.10, kind 4 0.03, kind 5 0.02." in words


QUALITY = QualitySection(
    "Image quality 71 of 100; weakest: sharpness (54)",
    71,
    (QualityPart("sharpness", "sharpness", 54), QualityPart("size", "size", 90)),
)


@pytest.mark.parametrize("count", [1, 2])
def test_the_quality_stands_before_the_answer_and_what_was_put_right_after_it(count):
    image = replace(IMAGE, quality=QUALITY, righted=("A border was trimmed before reading.",))
    words = words_of(render(replace(CONTENT, images=(image,) * count)))
    line, answer = "weakest: sharpness (54). Of 100: sharpness 54, size 90.", "Likely melanoma (probability 0.87)"
    assert words.count(line) == count
    assert words.index(line) < words.rindex(answer) < words.rindex("A border was trimmed before reading.")


def test_what_is_not_excluded_stands_apart_with_its_threshold():
    lines = (
        LabelLine("nv", "Melanocytic nevus", "benign", 0.7, "possible", 0.13),
        LabelLine("bkl", "Keratosis", "benign", 0.2, "unlikely", 0.25),
        LabelLine("mel", "Melanoma", "malignant", 0.1, "not_excluded", 0.06),
    )
    words = words_of(render(replace(CONTENT, images=(replace(IMAGE, sections=(replace(LESION, lines=lines),)),))))
    positions = [
        words.index(part)
        for part in (
            "Melanocytic nevus benign 0.70 Possible", "Must not be missed, so not excluded even at a low probability",
            "Melanoma malignant; rule-out threshold 0.06 0.10 Not excluded", "Keratosis benign 0.20 Unlikely",
            "Each bar is marked at the rule-out threshold of its label",
        )
    ]  # fmt: skip
    assert positions == sorted(positions)


def test_a_bar_without_a_known_threshold_is_not_explained():
    assert "Each bar is marked" not in words_of(render())


def test_says_when_the_task_was_not_chosen_by_the_sender():
    words = "The task was detected from the image, not chosen by the sender."
    assert words in words_of(render(replace(CONTENT, task_detected=True)))
    assert words not in words_of(render())


def test_every_page_bears_statement_document_and_number():
    document = render(replace(CONTENT, note="\n".join(["A line of a long note."] * 150)))
    assert len(document.pages) > 3
    for number, page in enumerate(document.pages, start=1):
        words = " ".join(page.extract_text().split())
        assert RESEARCH_USE in words
        assert f"Document {DOCUMENT}" in words
        assert f"Page {number} of {len(document.pages)}" in words
        assert "St Example Hospital" in words


def test_shows_image_and_heatmap_side_by_side():
    document = render()
    assert pictures_of(document) == 2
    placed = [
        [float(value) for value in operands]
        for operands, operator in ContentStream(document.pages[0].get_contents(), document).operations
        if operator == b"cm" and 100 < float(operands[0]) < 400
    ]
    assert len(placed) == 2
    assert placed[0][:4] == placed[1][:4]  # both of one size


def test_metadata_names_no_patient_and_tells_when():
    metadata = render(replace(CONTENT, patient_name="Zebedee Secret", patient_reference="REF-99")).metadata
    assert metadata.title == f"Lumen report {DOCUMENT}"
    assert metadata.creation_date.replace(tzinfo=None) == ISSUED
    assert not any(word in str(value) for value in metadata.values() for word in ("Zebedee", "Secret", "REF-99"))


def test_equal_input_gives_equal_bytes():
    assert render().stream.getvalue() == render().stream.getvalue()


def test_threads_do_not_disturb_each_other():
    contents = [replace(CONTENT, patient_name=name) for name in ("محمد", "आर्यभट्ट", "王小明", "Jané")] * 2
    alone = [render(content).stream.getvalue() for content in contents]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda content: render(content).stream.getvalue(), contents))
    assert together == alone


def test_every_font_is_embedded():
    document = render(replace(CONTENT, patient_name="Jané Δοξα محمد 王小明 김철수 आर्य 😀"))
    names = {font["/BaseFont"].split("+")[-1] for font in font_objects(document)}
    assert {"NotoSans-Regular", "NotoSans-Bold", "DroidSansFallback", "NotoSansArabic-Regular"} <= names
    for font in font_objects(document):
        assert "/FontFile2" in font["/FontDescriptor"], font["/BaseFont"]


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Ångström-Çelik", "Łukasz Żółć", "Nguyễn Thị Ánh", "Αλέξανδρος Παπαδόπουλος", "Владимир Ђорђевић", "Գոհար",
        "ქეთევან", "王小明", "山田 太郎", "ひらがな カタカナ", "김철수", "㐀䶵", "አበበ ቢቂላ", "≥5 µm → ✓", "😀",
    ],
)  # fmt: skip
def test_prints_names_of_simple_scripts(name):
    assert unicodedata.normalize("NFKC", name) in words_of(render(replace(CONTENT, patient_name=name)))


@pytest.mark.parametrize(("name", "font"), [("محمد الأحمد", "Arabic"), ("فرهاد می‌خواهد", "Arabic"), ("כהן", "Hebrew")])
def test_prints_names_from_right_to_left_in_their_own_glyphs(name, font):
    document = render(replace(CONTENT, patient_name=name))
    assert any(f"NotoSans{font}" in found["/BaseFont"] for found in font_objects(document))
    words = words_of(document)
    found = words[words.index("Patient") : words.index("Reference")]
    # Readers differ in the order that they give the glyphs in: all letters are there, and nothing else is.
    letters = sorted(char for char in unicodedata.normalize("NFKC", name) if char.isalpha())
    assert sorted(char for char in found if char.isalpha() and not char.isascii()) == letters
    assert fonts.REPLACEMENT not in found


@pytest.mark.parametrize("name", ["आर्यभट्ट क्षत्रिय", "বাংলা", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "සිංහල", "ខ្មែរ", "မြန်မာ", "བོད་སྐད"])
def test_shaped_names_carry_their_text(name):
    document = render(replace(CONTENT, patient_name=name))
    marks = [char for char in name if unicodedata.category(char).startswith("M")]
    assert marks
    assert fonts.REPLACEMENT not in words_of(document)
    # Letters with marks are drawn as glyphs of their own: what these stand for is said beside them.
    for char in marks:
        assert char in hidden_words(document) or char in words_of(document)


def test_arabic_letters_are_joined():
    """Shaping: within a word letters have other glyphs than alone, so other characters of the font are drawn."""
    documents = [render(replace(CONTENT, patient_name=name)) for name in ("م ح م د", "محمد")]
    arabic = "[\u0600-\u06ff\ufb50-\ufefe]"
    alone, joined = (set(re.findall(arabic, document.pages[0].extract_text())) for document in documents)
    assert {unicodedata.normalize("NFKC", char) for char in alone | joined} == set("محد")
    assert alone != joined


@pytest.mark.parametrize("char", ["\U0010fffd", "\ue000", "\U00020bb7", "\U00013000", "\u0378"])
def test_a_character_without_a_glyph_is_visibly_replaced(char):
    assert f"Jane {fonts.REPLACEMENT} Doe" in words_of(render(replace(CONTENT, patient_name=f"Jane {char} Doe")))


def test_no_text_can_crash_the_report():
    rng = random.Random(7)
    planes = [range(0x20, 0x3000), range(0x3000, 0xD800), range(0xE000, 0x10000), range(0x10000, 0x20000)]
    for _ in range(150):
        text = "".join(chr(rng.choice(rng.choice(planes))) for _ in range(60))
        canvas = Canvas(io.BytesIO())
        lines = break_lines(text, STYLES["strong"], 120)
        for line in lines:
            draw_line(canvas, line, STYLES["strong"], 10, 10)
            assert line.width <= 120 or len(line.text) < 4  # a letter with its marks is never cut
        canvas.save()
        assert lines


def test_invisible_characters_leave_no_trace():
    document = render(replace(CONTENT, patient_name="Ja\u200dne\u202e \u2066Do\u00ade\ufe0f\x07"))
    assert "Patient Jane Doe" in words_of(document)


def test_words_are_never_markup():
    """J03: what looks like a template or a tag is printed as it is."""
    sneaky = "<b>{{ 7*7 }}</b> &amp; <img src='file:///etc/passwd'/> {% x %}"
    document = render(replace(CONTENT, patient_name=sneaky, note=sneaky, institution=sneaky))
    assert words_of(document).count("{{ 7*7 }}</b> &amp;") >= 3
    assert pictures_of(document) == 2


def test_long_names_and_words_wrap():
    long = replace(
        CONTENT,
        patient_name="W" * 120,
        patient_reference="M" * 64,
        sent_by="Ä" * 120,
        institution="I" * 500,
        note="x" * 2000,
        images=(replace(IMAGE, original_name="q" * 251 + ".jpg"),),
    )
    document = render(long)
    words = words_of(document).replace(" ", "")
    assert "W" * 120 in words
    assert "M" * 64 in words
    assert "x" * 2000 in words
    assert "q" * 251 in words
    width = float(document.pages[0].mediabox.width)
    for name in ("body", "value", "headline"):
        assert all(line.width <= width / 2 for line in break_lines("W" * 200 + " łąka 王小明", STYLES[name], width / 2))


@pytest.mark.parametrize("mark", ["\u0301", "\u0bcd"])
def test_a_long_word_breaks_before_a_letter_not_before_its_mark(mark):
    base = "x" if mark == "\u0301" else "த"
    lines = break_lines((base + mark) * 200, STYLES["body"], 100)
    assert len(lines) > 3
    assert not any(line.text.startswith(mark) for line in lines)


def test_lines_of_chinese_do_not_begin_with_punctuation():
    lines = break_lines("患者首次就诊，主诉瘙痒。" * 40, STYLES["body"], 200)
    assert len(lines) > 5
    assert not any(line.text[0] in "，。" for line in lines)


def test_eight_images_each_have_their_section():
    images = tuple(replace(IMAGE, key=f"{number:032x}", original_name=f"image-{number}.png") for number in range(8))
    pictures = {image.key: (picture(seed=number), picture(seed=number + 8)) for number, image in enumerate(images)}
    document = render(replace(CONTENT, images=images), pictures)
    words = words_of(document)
    for number in range(8):
        assert f"Image {number + 1} of 8" in words
        assert f"image-{number}.png" in words
    assert pictures_of(document) == 16
    assert len(document.pages) <= 7


@pytest.mark.parametrize("size", [(32, 256), (256, 32), (2000, 40)])
def test_pictures_of_odd_shape_fit(size):
    document = render(pictures={IMAGE.key: (picture(size=size, kind="PNG"), picture(size=size))})
    assert pictures_of(document) == 2


def test_a_study_that_was_not_assessed():
    refused = replace(
        IMAGE, outcome="not_assessed", headline="Not assessed: no finding is given", sections=(), heatmaps=()
    )
    reason = "This does not look like a dermatoscopic image."
    document = render(
        replace(CONTENT, images=(refused,), outcome="not_assessed", headline="Not assessed", reason=reason)
    )
    words = words_of(document)
    assert "NOT ASSESSED" in words
    assert reason in words
    assert "probabilities" not in words
    assert pictures_of(document) == 1


@pytest.mark.parametrize("outcome", ["finding", "no_finding", "inconclusive", "not_assessed"])
def test_every_outcome_has_its_box(outcome):
    word = outcome.replace("_", " ").upper()
    assert word in words_of(render(replace(CONTENT, outcome=outcome)))


@pytest.mark.parametrize("status", ["waiting", "running", "incomplete"])
def test_every_status_without_an_outcome_has_its_box(status):
    words = words_of(render(replace(CONTENT, status=status, outcome="")))
    assert STATUSES[status].word.upper() in words
    assert "FINDING" not in words


def test_a_long_review_flows_over_pages():
    review = ReviewLine("Prof Reviewer", ISSUED, True, "", "\n".join(f"Remark {number}." for number in range(200)))
    words = words_of(render(replace(CONTENT, reviews=(review, review))))
    assert words.count("Remark 0.") == words.count("Remark 199.") == 2


def test_a_missing_picture_is_told():
    document = render(pictures={})
    assert "The stored image is missing." in words_of(document)
    assert pictures_of(document) == 0


def test_a_bare_study_renders():
    bare = replace(
        CONTENT, institution="", patient_name="", patient_reference="", note="", question="", images=(), network=None,
        intended_use="", limitations=(), reviews=(), lead_position=None, status="waiting", outcome="",
        headline="Not analysed yet",
    )  # fmt: skip
    words = words_of(render(bare))
    assert len(re.findall("not given", words)) == 2
    assert "Network" not in words


def test_the_font_files_bring_their_licences():
    names = {path.stem for path in fonts.FOLDER.glob("*.ttf")}
    assert names == {fonts.REGULAR, fonts.BOLD, *fonts.FALLBACKS}
    assert "SIL OPEN FONT LICENSE" in (fonts.FOLDER / "OFL.txt").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in fonts.FOLDER.glob("*.ttf")) < 12 * 1024 * 1024
