"""Lumen's networks, free of the web: decode an image, ask a task, get a Prediction.

from models import decode_image, get_task, predict
prediction = predict(get_task("chest"), decode_image(data).pixels)
"""

from models.card import Card, HeadCard, Measure, NetworkUnavailable, read_audit, registered_networks
from models.decoders.errors import DecodersBusy, UnreadableCode, UnreadableImage
from models.decoders.pool import DecodedFrame, DecoderLimits, DecoderPool
from models.decoders.registry import FORMATS, FileFormat, read_file
from models.decoders.single import DecodedImage, decode_image
from models.decoders.stored import read_stored
from models.frame import Facts, Frame
from models.gate import MODALITY_TASK, Detection
from models.imaging import encode_image, shrink_to_read
from models.inference import detect_task, get_card, load_networks, network_status, predict
from models.reason import Reason, ReasonCode
from models.registry import UnfitChoice, UnknownTask, all_tasks, get_task
from models.saliency import VIEWS, decode_saliency, encode_saliency, render_heatmap, render_view
from models.task import (
    CALIBRATION_TARGET,
    GATE_TARGETS,
    DataSource,
    Decision,
    Head,
    HeadResult,
    Label,
    LabelResult,
    Modality,
    NetworkVersion,
    OperatingPoint,
    Outcome,
    Prediction,
    Target,
    Task,
)

__all__ = [
    "CALIBRATION_TARGET",
    "FORMATS",
    "GATE_TARGETS",
    "MODALITY_TASK",
    "VIEWS",
    "Card",
    "DataSource",
    "Decision",
    "DecodedFrame",
    "DecodedImage",
    "DecoderLimits",
    "DecoderPool",
    "DecodersBusy",
    "Detection",
    "Facts",
    "FileFormat",
    "Frame",
    "Head",
    "HeadCard",
    "HeadResult",
    "Label",
    "LabelResult",
    "Measure",
    "Modality",
    "NetworkUnavailable",
    "NetworkVersion",
    "OperatingPoint",
    "Outcome",
    "Prediction",
    "Reason",
    "ReasonCode",
    "Target",
    "Task",
    "UnfitChoice",
    "UnknownTask",
    "UnreadableCode",
    "UnreadableImage",
    "all_tasks",
    "decode_image",
    "decode_saliency",
    "detect_task",
    "encode_image",
    "encode_saliency",
    "get_card",
    "get_task",
    "load_networks",
    "network_status",
    "predict",
    "read_audit",
    "read_file",
    "read_stored",
    "registered_networks",
    "render_heatmap",
    "render_view",
    "shrink_to_read",
]
