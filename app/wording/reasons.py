"""The sentence of each models.ReasonCode and models.RightingCode.

A placeholder is a key of the reason's values; app/wording/__init__.py words them.
"""

from models import ReasonCode, RightingCode

REASONS: dict[str, str] = {
    ReasonCode.HEADER_MODALITY: (
        "The file's header says that this is {modality}, not {expected}. Check the image and the task."
    ),
    ReasonCode.HEADER_BODY_PART: (
        "The file's header names another part of the body, {body_part}, where the task reads {expected}. Check the "
        "image and the task; if the header is wrong, have it corrected in the archive."
    ),
    ReasonCode.LATERAL_VIEW: (
        "The file's header says that this is a lateral view ({view_position}). The network learned from frontal chest "
        "radiographs only: send the frontal view."
    ),
    ReasonCode.TOO_SMALL: (
        "The image is too small to assess: {width} × {height} pixels. Send it in full size, not a preview."
    ),
    ReasonCode.BLANK: "The image is blank or nearly so: there is nothing in it to assess. Send another one.",
    ReasonCode.TOO_DARK: "The image is too dark to assess. Take it again in better light, or export it brighter.",
    ReasonCode.OVEREXPOSED: "The image is overexposed: nearly all of it is white. Take it again with less light.",
    ReasonCode.BLURRED: "The image is blurred. Take it again with the camera still and in focus, or export it larger.",
    ReasonCode.OTHER_MODALITY: "This looks like {seen}, not {expected}. The task {task} reads such images.",
    ReasonCode.UNEXPECTED_MODALITY: (
        "This does not look like {expected}, the only type of image that this task reads. Check the image and the task."
    ),
    ReasonCode.HEAD_CT: (
        "This looks like a head CT. Lumen reads no CT: a brain tumour is looked for on MRI only, so send an MRI."
    ),
    ReasonCode.LESION_PHOTO: (
        "This looks like a photo of a skin lesion taken with a camera. Lumen reads skin lesions through a dermatoscope "
        "only, and no tumours on camera photos: send a dermatoscopic image."
    ),
    ReasonCode.TURNED: "The image is {turned}. Send it upright: the network learned from upright images.",
    ReasonCode.INVERTED: (
        "Light and dark seem to be exchanged. Export the image in its usual display: bones light and air dark on "
        "radiographs, the ground black on MRI."
    ),
    ReasonCode.TWO_PICTURES: "This seems to be two pictures in one, {layout}. Send each by itself.",
    ReasonCode.SCREEN_PHOTO: (
        "This looks like a photo of a screen or of a film on a light box. Export the image itself from the device or "
        "the archive, and send that."
    ),
    ReasonCode.DRAWN_ON: (
        "There seem to be arrows, circles or pen strokes on the image. Send it without: a network takes marks for "
        "findings."
    ),
    ReasonCode.MARKER_COVERS: (
        "Text or a marker seems to cover part of the tissue. Send the image without: what is hidden cannot be assessed."
    ),
    ReasonCode.UNLIKE_TRAINING: (
        "This image differs too much from the training images to be assessed. Check that it shows what the task asks "
        "for, or send a clearer one."
    ),
    ReasonCode.SEVERAL_TASKS: "Several tasks read this type of image. Choose {tasks}.",
    ReasonCode.NO_TASK: "Lumen does not read this type of image. Check the image.",
    ReasonCode.UNCLEAR_MODALITY: "The type of this image is not clear. Choose the task yourself.",
    ReasonCode.ONE_LABEL: "Only {label} reaches its threshold.",
    ReasonCode.NO_LABEL: "No answer reaches its threshold: the network was more certain of most validation images.",
    ReasonCode.BETWEEN_THRESHOLDS: (
        "The probability of “{label}” is {probability}. Between {low} and {high} the network does not decide."
    ),
    ReasonCode.SEVERAL_LABELS: "The network cannot choose between {labels}.",
    ReasonCode.NOT_EXCLUDED: "Possible: {labels}; not excluded: {not_excluded}.",
}

# What was done to a picture before it was read.
RIGHTED: dict[str, str] = {
    RightingCode.TRIMMED: "A border was trimmed before reading: {kept} of the image was read.",
    RightingCode.ROUND_FIELD: "Only the inside of the round field was read: {kept} of the image.",
    RightingCode.INVERTED_BACK: "Light and dark were exchanged in this image; it was read the usual way round.",
}
