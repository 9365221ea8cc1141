"""The sentence of each models.ReasonCode. A placeholder is a key of the reason's values; wording.py words them."""

from models import ReasonCode

REASONS: dict[str, str] = {
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
