"""The decoding process for DICOM: as models/decoders/child.py, with pydicom and its codecs loaded."""

import sys

from pydicom.charset import python_encoding

from models.decoders.child import main

# Here, before the process is confined: later it can open no file, and none that is imported.
from models.decoders.dicom import reader  # noqa: F401


def load_character_sets() -> None:
    """What Python would import when it meets the first name in one of the standard's character sets."""
    for name in set(python_encoding.values()):
        b"a".decode(name)


if __name__ == "__main__":
    load_character_sets()
    main(int(sys.argv[1]), int(sys.argv[2]))
