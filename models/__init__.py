"""Lumen's networks, free of the web: decode an image, ask a task, get a Prediction.

from models import get_task, predict, read_file
prediction = predict(get_task("chest"), read_file(data)[0].pixels)
"""

from models.audit import Audit, Change, read_audit
from models.calibration import HeadCard
from models.card import Card, HeadFit, ReliabilityBin, Start, Training
from models.card_file import NetworkUnavailable
from models.decoders.dicom.signature import matches as is_dicom
from models.decoders.errors import DecodersBusy, DecodersUnavailable, UnreadableCode, UnreadableImage
from models.decoders.pool import DecodedFrame, DecoderLimits, DecoderPool
from models.decoders.registry import FORMATS, FileFormat, read_file
from models.decoders.single import DecodedImage, decode_image
from models.decoders.stored import read_stored
from models.decoders.turn import turn_clockwise
from models.deployment import Deployment, NetworkId, UnfitChoice, current_deployment, registered_networks
from models.elsewhere import MOST_CALLED_CLEAR, MOST_WRONG, Elsewhere
from models.frame import Facts, Frame
from models.gate import Detection
from models.header import NO_HEADER, Header
from models.imaging import encode_image, shrink_to_read
from models.inference import detect_task, get_card, load_networks, network_status, predict
from models.measures import GateSet, Measure, MeasureSet, Metric, chosen, find_measure
from models.modality import MODALITY_TASK
from models.reason import Reason, ReasonCode, RightingCode
from models.registry import UnknownTask, all_tasks, get_task
from models.righting import split_pictures
from models.saliency import VIEWS, decode_saliency, encode_saliency, render_heatmap, render_view
from models.task import (
    CALIBRATION_TARGET,
    GATE_TARGETS,
    DataSource,
    Decision,
    GateTarget,
    Head,
    HeadResult,
    Label,
    LabelResult,
    Modality,
    NetworkVersion,
    OperatingPoint,
    Outcome,
    Prediction,
    Quality,
    QualityPart,
    Target,
    Task,
)

__all__ = [
    "CALIBRATION_TARGET",
    "FORMATS",
    "GATE_TARGETS",
    "MODALITY_TASK",
    "MOST_CALLED_CLEAR",
    "MOST_WRONG",
    "NO_HEADER",
    "VIEWS",
    "Audit",
    "Card",
    "Change",
    "DataSource",
    "Decision",
    "DecodedFrame",
    "DecodedImage",
    "DecoderLimits",
    "DecoderPool",
    "DecodersBusy",
    "DecodersUnavailable",
    "Deployment",
    "Detection",
    "Elsewhere",
    "Facts",
    "FileFormat",
    "Frame",
    "GateSet",
    "GateTarget",
    "Head",
    "HeadCard",
    "HeadFit",
    "HeadResult",
    "Header",
    "Label",
    "LabelResult",
    "Measure",
    "MeasureSet",
    "Metric",
    "Modality",
    "NetworkId",
    "NetworkUnavailable",
    "NetworkVersion",
    "OperatingPoint",
    "Outcome",
    "Prediction",
    "Quality",
    "QualityPart",
    "Reason",
    "ReasonCode",
    "ReliabilityBin",
    "RightingCode",
    "Start",
    "Target",
    "Task",
    "Training",
    "UnfitChoice",
    "UnknownTask",
    "UnreadableCode",
    "UnreadableImage",
    "all_tasks",
    "chosen",
    "current_deployment",
    "decode_image",
    "decode_saliency",
    "detect_task",
    "encode_image",
    "encode_saliency",
    "find_measure",
    "get_card",
    "get_task",
    "is_dicom",
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
    "split_pictures",
    "turn_clockwise",
]
