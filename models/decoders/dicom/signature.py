"""How a DICOM file is known without reading it (PS3.10, 7.1)."""

from models.frame import Frame

MEDIA_TYPE = "application/dicom"
_PREAMBLE, _PREFIX = 128, b"DICM"


def matches(data: bytes) -> bool:
    """Whether these bytes have DICOM's prefix behind its preamble, whatever the preamble holds."""
    return data[_PREAMBLE : _PREAMBLE + len(_PREFIX)] == _PREFIX


def read(data: bytes) -> tuple[Frame, ...]:
    """As `reader.read`, which is imported when it is needed: it takes pydicom and its codecs with it."""
    from models.decoders.dicom.reader import read as read_dicom

    return read_dicom(data)
