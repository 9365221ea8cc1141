"""Where trainings lie, and how networks are saved small.

A .keras file whose weights are float16: Keras casts them back to float32 on loading.
"""

import io
import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from models.runtime import file_sha256

# Checkpoints and logs of trainings, in the working directory: run_folder of each network.
RUNS = Path("runs")
EPOCHS = "epochs.csv"
_WEIGHTS_MEMBER = "model.weights.h5"
_METADATA_MEMBER = "metadata.json"


def run_folder(task: str, network: str) -> Path:
    """Where the checkpoints and the log of epochs of one training lie."""
    return RUNS / task / network


def save_network(network: keras.Model, path: Path) -> str:
    """Write `network` without its training state, weights as float16; returns the file's SHA-256 in hexadecimal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The same layers, without optimiser and losses.
    plain = keras.Model(network.inputs[0], network.output, name=network.name)
    plain.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[_WEIGHTS_MEMBER] = _halve(members[_WEIGHTS_MEMBER])
    members[_METADATA_MEMBER] = _without_date(members[_METADATA_MEMBER])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(members.items()):
            # A fixed date here too.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return file_sha256(path)


def load_network(path: Path) -> keras.Model:
    """The float32 network of a file that `save_network` wrote; safe mode, so no code from the file is run."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def _without_date(content: bytes) -> bytes:
    """Keras's metadata less the time of saving: the same weights give the same hash."""
    return json.dumps({key: value for key, value in json.loads(content).items() if key != "date_saved"}).encode()


def _halve(content: bytes) -> bytes:
    """The same HDF5 file with every floating-point data set stored as float16."""
    halved = io.BytesIO()
    with h5py.File(io.BytesIO(content), "r") as source, h5py.File(halved, "w") as target:
        _copy_attributes(source, target)
        source.visititems(lambda name, item: _copy_item(target, name, item))
    return halved.getvalue()


def _copy_item(target: h5py.File, name: str, item: h5py.Dataset | h5py.Group) -> None:
    if isinstance(item, h5py.Group):
        copy = target.require_group(name)
    else:
        values = item[()]
        floating = isinstance(values, np.ndarray) and np.issubdtype(values.dtype, np.floating)
        copy = target.create_dataset(name, data=values.astype(np.float16) if floating else values)
    _copy_attributes(item, copy)


def _copy_attributes(source: h5py.HLObject, target: h5py.HLObject) -> None:
    for key, value in source.attrs.items():
        target.attrs[key] = value
