"""DICOM to frames: the standard's grey pipeline, true shapes, what is kept of a header, and what bad files get."""

import csv
import sys
from subprocess import run

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

import models
from models import UnreadableCode, UnreadableImage
from models.decoders.dicom.acquisition import spoken_name
from models.decoders.window import window_samples
from models.frame import Frame
from models.training.manifest import datasets_root
from tests.ml.dicom_files import dicom_dataset, dicom_file, grey_samples, written
from tests.ml.files import scene

SHARED = datasets_root().parent / "dicom"
needs_dicom_files = pytest.mark.skipif(not SHARED.is_dir(), reason="the DICOM test files are not on this machine")


@pytest.fixture(scope="module")
def pool():
    pool = models.DecoderPool(1, module="models.decoders.dicom.child")
    yield pool
    pool.close()


def read(data: bytes) -> Frame:
    (frame,) = models.read_file(data)
    return frame


def grey(data: bytes) -> np.ndarray:
    """The grey levels of the one picture: uint8 [h, w]."""
    pixels = read(data).pixels
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def refusal(data: bytes) -> UnreadableImage:
    with pytest.raises(UnreadableImage) as refused:
        models.read_file(data)
    return refused.value


def windowed(samples: np.ndarray, centre: float, width: float) -> np.ndarray:
    """PS3.3, C.11.2.1.2.1, to 0 to 255."""
    share = (samples.astype(float) - (centre - 0.5)) / (width - 1) + 0.5
    return np.rint(np.clip(share, 0, 1) * 255)


SAMPLES = grey_samples()


def test_without_a_window_a_picture_looks_as_the_same_samples_in_other_files_do():
    assert (grey(dicom_file(SAMPLES, bits=12)) == window_samples(SAMPLES)).all()


def test_the_files_own_window_comes_first_and_of_several_the_first():
    data = dicom_file(SAMPLES, bits=12, WindowCenter=[2000, 500], WindowWidth=[1500, 100])
    assert np.abs(grey(data) - windowed(SAMPLES, 2000, 1500)).max() <= 1


def test_samples_are_rescaled_before_they_are_windowed():
    data = dicom_file(SAMPLES, bits=12, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=2976, WindowWidth=3000)
    assert np.abs(grey(data) - windowed(SAMPLES, 2000, 1500)).max() <= 1


def test_signed_samples_are_read_as_such():
    signed = SAMPLES.astype(np.int16) - 1024
    assert (grey(dicom_file(signed, bits=16)) == window_samples(SAMPLES)).all()


def test_what_stands_above_the_stored_bits_is_no_part_of_the_picture():
    with_overlay = SAMPLES | np.uint16(0x8000) * (np.indices(SAMPLES.shape).sum(axis=0) % 2).astype(np.uint16)
    assert (grey(dicom_file(with_overlay, bits=12)) == grey(dicom_file(SAMPLES, bits=12))).all()


def test_white_is_zero_in_monochrome_1():
    usual = grey(dicom_file(SAMPLES, bits=12, WindowCenter=2000, WindowWidth=1500))
    exchanged = grey(
        dicom_file(SAMPLES, bits=12, PhotometricInterpretation="MONOCHROME1", WindowCenter=2000, WindowWidth=1500)
    )
    assert (exchanged == 255 - usual).all()


def table(first: int, values: np.ndarray, keyword: str) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(values), first, 16]
    item.LUTData = values.astype("<u2").tobytes()
    item["LUTData"].VR = "OW"
    item["LUTDescriptor"].VR = "US"
    return {keyword: Sequence([item])}


@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_lookup_tables_are_used(keyword):
    curve = np.rint((np.arange(4096) / 4095) ** 2 * 65535)
    found = grey(dicom_file(SAMPLES, bits=12, **table(0, curve, keyword)))
    looked_up = curve[SAMPLES].astype(np.uint16)
    expected = np.rint(looked_up / 257) if keyword == "VOILUTSequence" else window_samples(looked_up)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize(
    "elements",
    [
        {"WindowCenter": 2000, "WindowWidth": 0},
        {"WindowCenter": 60_000, "WindowWidth": 10},
        {"WindowCenter": 2000},
        {"VOILUTSequence": Sequence([Dataset()])},
    ],
    ids=["no width", "far away", "no width at all", "empty table"],
)
def test_a_window_that_shows_nothing_is_passed_over(elements, pool):
    data = dicom_file(SAMPLES, bits=12, **elements)
    assert (grey(data) == window_samples(SAMPLES)).all()
    assert (pool.decode(data)[0].pixels[..., 0] == window_samples(SAMPLES)).all(), (
        "the confined process imports nothing"
    )


def test_a_ct_without_a_window_shows_soft_tissue():
    hounsfield = SAMPLES.astype(np.int16) - 1024
    found = grey(dicom_file(hounsfield, Modality="CT"))
    assert np.abs(found - np.rint(np.clip((hounsfield + 160) / 400, 0, 1) * 255)).max() <= 1


def test_a_ct_of_no_soft_tissue_is_shown_all_the_same(pool):
    data = dicom_file(SAMPLES, bits=12, Modality="CT", RescaleIntercept=3000, RescaleSlope=1)
    assert (grey(data) == window_samples(SAMPLES)).all()
    assert (pool.decode(data)[0].pixels[..., 0] == window_samples(SAMPLES)).all()


def test_padding_is_black_and_moves_no_window():
    padded = np.pad(SAMPLES // 2 + 1000, 20, constant_values=4095)
    found = grey(dicom_file(padded, bits=12, PixelPaddingValue=4095))
    assert (found[:20] == 0).all()
    assert (found[20:-20, 20:-20] == window_samples(SAMPLES // 2 + 1000)).all()


@pytest.mark.parametrize(
    ("elements", "shape"),
    [
        ({"PixelSpacing": [3, 1]}, (288, 128)),
        ({"PixelSpacing": [1, 2]}, (96, 256)),
        ({"PixelAspectRatio": [1, 2]}, (96, 256)),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, (96, 128)),
        ({"PixelSpacing": [0, 0]}, (96, 128)),
    ],
)
def test_pictures_have_their_true_shape(elements, shape):
    assert grey(dicom_file(SAMPLES, bits=12, **elements)).shape == shape


def test_a_strip_that_spacing_makes_is_refused():
    assert refusal(dicom_file(SAMPLES, PixelSpacing=[1000, 1])).code == UnreadableCode.TOO_LONG


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEG2000Lossless,
    ],
    ids=lambda syntax: syntax.name,
)  # fmt: skip
def test_every_coding_gives_the_same_picture(syntax):
    dataset = dicom_dataset(SAMPLES, bits=12)
    expected = grey(written(dataset))
    if syntax == ExplicitVRBigEndian:
        dataset = dicom_dataset(SAMPLES.byteswap(), bits=12)
    if syntax.is_encapsulated:
        dataset.compress(syntax)
    dataset.file_meta.TransferSyntaxUID = syntax
    assert (grey(written(dataset)) == expected).all()


def test_colours_are_kept():
    frame = read(dicom_file(scene(), Modality="XC"))
    assert (frame.pixels == scene()).all()
    assert (frame.facts.media_type, frame.facts.photometric) == ("application/dicom", "RGB")
    planes = np.ascontiguousarray(scene().transpose(2, 0, 1))
    apart = dicom_file(scene(), PlanarConfiguration=1, PixelData=planes.tobytes())
    assert (read(apart).pixels == scene()).all()


def test_each_frame_has_what_its_functional_groups_say():
    def group(**elements) -> Dataset:
        item = Dataset()
        for keyword, value in elements.items():
            setattr(item, keyword, value)
        return item

    def windows(centre: int) -> Dataset:
        return group(FrameVOILUTSequence=Sequence([group(WindowCenter=centre, WindowWidth=1500)]))

    spacing = group(PixelMeasuresSequence=Sequence([group(PixelSpacing=[2, 1])]))
    data = dicom_file(
        np.stack([SAMPLES, SAMPLES]), bits=12, SharedFunctionalGroupsSequence=Sequence([spacing]),
        PerFrameFunctionalGroupsSequence=Sequence([windows(1000), windows(3000)]),
    )  # fmt: skip
    frames = models.read_file(data)
    assert [frame.position for frame in frames] == [0, 1]
    assert all(frame.pixels.shape == (192, 128, 3) for frame in frames)
    assert frames[0].pixels.mean() > frames[1].pixels.mean() + 20


def told(**elements) -> dict:
    return dict(read(dicom_file(SAMPLES, **elements)).facts.acquisition)


def test_of_the_header_is_kept_what_is_listed_and_nothing_else():
    found = told(
        PatientName="Doe^Jane", PatientBirthDate="19690723", PatientSex="F", AccessionNumber="A 17",
        BodyPartExamined="chest", ViewPosition="PA", ImageLaterality="L", StudyDate="2024.02.29", Manufacturer="ACME",
        ManufacturerModelName="Ray 2", PixelSpacing=[0.2, 0.2], BurnedInAnnotation="YES",
        InstitutionName="St. Elsewhere", OperatorsName="Nosy^Ned", PatientAddress="1 Main St",
        StudyDescription="private matters",
    )  # fmt: skip
    uids = {key: found.pop(key) for key in ("study_uid", "series_uid", "instance_uid", "class_uid")}
    assert all(uid.startswith("1.2.") for uid in uids.values())
    assert found == {
        "patient_name": "Doe, Jane", "patient_id": "P-1", "patient_birth_date": "1969-07-23", "patient_sex": "F",
        "accession_number": "A 17", "modality": "DX", "body_part": "CHEST", "view_position": "PA", "side": "L",
        "study_date": "2024-02-29", "manufacturer": "ACME", "device": "Ray 2", "spacing": [0.2, 0.2], "burned_in": True,
    }  # fmt: skip


def test_a_header_that_says_nonsense_says_nothing():
    found = told(
        PatientName=None, PatientBirthDate="1969-13-45", StudyDate="yesterday", PixelSpacing=[0, -1],
        BurnedInAnnotation="PERHAPS", PatientID="P\n1\x1b[31m", BodyPartExamined=None, Laterality="LEFT",
    )  # fmt: skip
    assert found["patient_id"] == "P1[31m"
    assert not found.keys() & {"patient_name", "patient_birth_date", "study_date", "spacing", "burned_in", "body_part"}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Doe^Jane^Ann^Dr.^MD", "Doe, Dr. Jane Ann MD"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎)"),
        ("=山田^太郎", "山田, 太郎"),
        ("Hong^Gildong==홍^길동", "Hong, Gildong (홍, 길동)"),
        ("Buc^Jérôme", "Buc, Jérôme"),
        ("Cher", "Cher"),
        ("", ""),
        ("^^^^", ""),
    ],
)
def test_names_are_shown_as_lists_show_them(stored, shown):
    assert spoken_name(stored) == shown


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Buc^Jérôme"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    ],
    ids=str,
)
def test_names_of_every_character_set_are_read(charset, name, pool):
    """By the confined process, too, which can import nothing for them."""
    data = dicom_file(SAMPLES, bits=12, SpecificCharacterSet=charset, PatientName=name)
    for (frame,) in (models.read_file(data), pool.decode(data)):
        assert frame.facts.acquisition["patient_name"] == spoken_name(name)


# What bad files get; the numbers are those of shared/BAD_INPUTS.md.


def without_pixels(**elements) -> bytes:
    return dicom_file(SAMPLES, PixelData=None, **elements)


@pytest.mark.parametrize(
    "beginning", [b"MZ\x90\0", b"\x7fELF", b"<html><script>", b"II*\0\x08\0\0\0", b"\x89PNG\r\n\x1a\n"]
)
def test_d01_what_stands_in_the_preamble_is_not_looked_at(beginning):
    data = dicom_file(SAMPLES, bits=12)
    assert (grey(beginning + data[len(beginning) :]) == grey(data)).all()


@pytest.mark.parametrize("data", [b"plain text " * 40, bytes(200), b"\0" * 124 + b"DICM"])
def test_d02_what_has_no_prefix_is_no_dicom(data):
    assert refusal(data).code == UnreadableCode.UNKNOWN_FORMAT


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_is_refused(share):
    data = dicom_file(SAMPLES, bits=12)
    assert refusal(data[: int(share * len(data))]).code in (
        UnreadableCode.INCOMPLETE, UnreadableCode.DAMAGED, UnreadableCode.NO_PICTURE,
    )  # fmt: skip


@pytest.mark.parametrize("length", [0xFFFFFFFE, 0x7FFFFFFF, 0xFFFFFFFF])
def test_d04_lengths_past_the_end_are_refused(length):
    data = dicom_file(SAMPLES, bits=12)
    place = data.rindex(b"\xe0\x7f\x10\0OW") + 8
    assert refusal(data[:place] + length.to_bytes(4, "little") + data[place + 4 :]).code in (
        UnreadableCode.INCOMPLETE, UnreadableCode.DAMAGED, UnreadableCode.NO_PICTURE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"Rows": 60_000, "Columns": 60_000}, UnreadableCode.TOO_MANY_PIXELS),
        ({"Rows": 97}, UnreadableCode.INCOMPLETE),
        ({"Rows": 40}, UnreadableCode.DAMAGED),
        ({"Rows": 0}, UnreadableCode.DAMAGED),
        ({"NumberOfFrames": 0}, UnreadableCode.INCOMPLETE),
        ({"NumberOfFrames": -1}, UnreadableCode.DAMAGED),
        ({"NumberOfFrames": 1_000_000_000}, UnreadableCode.TOO_MANY_FRAMES),
        ({"BitsAllocated": 32, "BitsStored": 32}, UnreadableCode.UNSUPPORTED_KIND),
        ({"PhotometricInterpretation": "RAINBOW"}, UnreadableCode.UNSUPPORTED_KIND),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, UnreadableCode.DAMAGED),
    ],
    ids=str,
)
def test_d05_d06_d08_what_the_header_says_is_held_against_the_limits_and_the_data(elements, code):
    if elements.get("NumberOfFrames") == 0:
        # Many devices write 0 for one frame.
        assert grey(dicom_file(SAMPLES, **elements)).shape == SAMPLES.shape
        return
    assert refusal(dicom_file(SAMPLES, **elements)).code == code


def test_d06_a_count_of_frames_that_is_no_number_is_refused():
    data = dicom_file(SAMPLES, NumberOfFrames="1 ")
    assert refusal(data.replace(b"IS\x02\x001 ", b"IS\x02\x00xy")).code == UnreadableCode.DAMAGED


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda one: one.name)
def test_d10_a_broken_codestream_is_refused(syntax):
    dataset = dicom_dataset(SAMPLES, bits=12)
    dataset.compress(syntax)
    data = bytearray(written(dataset))
    for place in range(len(data) - 600, len(data) - 8, 3):
        data[place] = 0xFF
    try:
        found = models.read_file(bytes(data))
    except UnreadableImage:
        return
    assert found[0].pixels.shape == (*SAMPLES.shape, 3), "a codec may find a picture in it, of the size that was told"


def test_d10_a_coding_that_nobody_knows_is_named():
    dataset = dicom_dataset(SAMPLES)
    dataset.compress(RLELossless)
    data = written(dataset).replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.9\0")
    refused = refusal(data)
    assert refused.code == UnreadableCode.TRANSFER_SYNTAX
    assert refused.values["name"] == "1.2.840.10008.1.2.9"


@pytest.mark.parametrize(
    ("modality", "kind"), [("SR", "a structured report"), ("RTSTRUCT", "a set of radiotherapy contours")]
)
def test_d14_what_holds_no_picture_says_what_it_holds(modality, kind):
    refused = refusal(without_pixels(Modality=modality))
    assert (refused.code, refused.values) == (UnreadableCode.NO_PICTURE, {"kind": kind})
    assert refusal(without_pixels(Modality="DX")).code == UnreadableCode.NO_PICTURE


def test_d13_a_dicomdir_is_refused_by_its_name():
    dataset = dicom_dataset(SAMPLES, PixelData=None, SOPClassUID="1.2.840.10008.1.3.10")
    assert refusal(written(dataset)).code == UnreadableCode.DICOMDIR


def test_a_web_process_does_not_load_what_reads_dicom():
    code = "import models, sys; assert models.is_dicom(bytes(128) + b'DICM'); sys.exit('pydicom' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless], ids=str)
def test_the_confined_process_reads_what_this_one_reads(pool, syntax):
    dataset = dicom_dataset(SAMPLES, bits=12)
    if syntax:
        dataset.compress(syntax)
    data = written(dataset)
    (frame,) = pool.decode(data)
    expected = read(data)
    assert (frame.pixels == expected.pixels).all()
    assert dict(frame.facts.acquisition) == dict(expected.facts.acquisition)
    assert (models.read_stored(frame.stored, frame.orientation) == expected.pixels).all()


def test_d11_a_bomb_of_zeros_costs_its_own_process_at_most(pool):
    dataset = dicom_dataset(SAMPLES, PrivateBomb=None)
    dataset.add_new(0x00091010, "OB", bytes(600 << 20))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    bomb = written(dataset)
    assert len(bomb) < 2 << 20
    limits = models.DecoderLimits(memory_bytes=1 << 30, cpu_seconds=10)
    small = models.DecoderPool(1, limits, module="models.decoders.dicom.child")
    try:
        with pytest.raises(UnreadableImage) as refused:
            small.decode(bomb)
        assert refused.value.code in (UnreadableCode.DECODER_TOO_LARGE, UnreadableCode.DECODER_CRASHED)
        assert small.decode(dicom_file(SAMPLES, bits=12))[0].width == 128
    finally:
        small.close()


# Files of others.


def rows() -> list[dict[str, str]]:
    if not SHARED.is_dir():
        return []
    with (SHARED / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# Smaller than what is taken for a picture of a patient.
TINY = 32


@needs_dicom_files
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["path"])
def test_files_of_others_get_what_their_list_expects(pool, row):
    data = (SHARED / row["path"]).read_bytes()
    try:
        frames, code = pool.decode(data), None
    except UnreadableImage as refused:
        frames, code = (), refused.code
    shape = [int(part) for part in row["pydicom_result"].partition(" ")[0].split("x")] if frames else []
    if row["expect"].startswith("ok"):
        is_tiny = (
            "x" in row["pydicom_result"] and min(map(int, row["pydicom_result"].split(" ")[0].split("x")[:2])) < TINY
        )
        assert frames or (is_tiny and code == UnreadableCode.TOO_SMALL), code
        if frames:
            # Only the coarser side of pixels that are not square is longer than in the file.
            sides = (frames[0].height, frames[0].width)
            height, width = shape[-2:] if shape[-1] > 3 else shape[-3:-1]
            assert sides[0] == height or sides[1] == width
            assert sides >= (height, width)
    elif row["expect"].startswith("refuse") and row["path"] not in LEFT_TO_THE_GATE:
        assert code, "it was read"
    if code:
        models.UnreadableCode(code)


# Refused later, when the pixels or the header are held against the task.
LEFT_TO_THE_GATE = {"broken/ct_constant.dcm", "xray/mg_header_only.dcm"}


@needs_dicom_files
def test_one_picture_in_seven_codings_is_one_picture():
    names = ["mr_small", "mr_small_implicit", "mr_small_bigendian", "mr_small_rle", "mr_small_jp2klossless"]
    names += ["mr_small_jpeg_ls_lossless", "mr_small_padded"]
    pictures = [grey((SHARED / "mr" / f"{name}.dcm").read_bytes()) for name in names]
    assert all((picture == pictures[0]).all() for picture in pictures)


@needs_dicom_files
def test_monochrome_1_and_2_of_one_picture_look_the_same():
    one, two = (
        grey((SHARED / "xray" / f"{name}.dcm").read_bytes()) for name in ("dx_mono1_8bit", "dx_mono2_same_picture")
    )
    assert np.abs(one.astype(int) - two).max() <= 2
