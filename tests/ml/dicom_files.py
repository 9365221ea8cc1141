"""DICOM files made by code, as hospitals' devices write them."""

import io
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.ml.files import scene


def grey_samples(bits: int = 12, height: int = 96, width: int = 128) -> np.ndarray:
    """A picture of all grey levels of so many bits: uint16 [height, width]."""
    light = scene(height, width).mean(axis=2)
    return np.rint((light - light.min()) / (light.max() - light.min()) * (2**bits - 1)).astype(np.uint16)


def dicom_dataset(samples: np.ndarray, **elements: Any) -> Dataset:
    """A data set with these samples, int or uint of 8 or 16 bits, [h, w], [h, w, 3] or [frames, h, w].

    `elements`: by keyword; None leaves one out. `bits` of each sample are stored, all of them if it is not given.
    """
    bits = elements.pop("bits", samples.dtype.itemsize * 8)
    frames, colours = (samples.shape[0], 1) if samples.ndim == 3 and samples.shape[2] > 3 else (1, samples.ndim)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = elements.pop("transfer_syntax", ExplicitVRLittleEndian)
    told = {
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": generate_uid(), "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(), "Modality": "DX", "PatientName": "Doe^Jane", "PatientID": "P-1",
        "PhotometricInterpretation": "RGB" if colours == 3 else "MONOCHROME2",
        "SamplesPerPixel": 3 if colours == 3 else 1, "Rows": samples.shape[-2 if frames > 1 else 0],
        "Columns": samples.shape[-1 if frames > 1 else 1], "BitsAllocated": samples.dtype.itemsize * 8,
        "BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": int(samples.dtype.kind == "i"),
        "PixelData": samples.tobytes(),
    } | elements  # fmt: skip
    if frames > 1:
        told.setdefault("NumberOfFrames", frames)
    if colours == 3:
        told.setdefault("PlanarConfiguration", 0)
    for keyword, value in told.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW" if samples.dtype.itemsize > 1 else "OB"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def dicom_file(samples: np.ndarray, **elements: Any) -> bytes:
    """The file of such a data set."""
    return written(dicom_dataset(samples, **elements))


def written(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
