"""The sentence of each models.ReasonCode. A placeholder is a key of the reason's values; wording.py words them."""

from models import ReasonCode

REASONS: dict[str, str] = {
    ReasonCode.TOO_SMALL: (
        "The image is too small to assess: {width} × {height} pixels. Send it in its full size, not a preview."
    ),
    ReasonCode.BLANK: "The image is blank or nearly so: there is nothing in it to assess. Send another one.",
    ReasonCode.TOO_DARK: "The image is too dark to assess. Take it again in better light, or export it brighter.",
    ReasonCode.OVEREXPOSED: "The image is overexposed: nearly all of it is white. Take it again with less light.",
    ReasonCode.BLURRED: "The image is blurred. Take it again with the camera still and in focus, or export it larger.",
    ReasonCode.OTHER_MODALITY: "This looks like {seen}, not like {expected}. The task {task} reads such images.",
    ReasonCode.UNEXPECTED_MODALITY: (
        "This does not look like {expected}, the only kind that this task reads. Check the image and the task."
    ),
    ReasonCode.UNLIKE_TRAINING: (
        "This image is too unlike those that the network learned from to be assessed. Check that it shows what the "
        "task asks for, or send a clearer one."
    ),
    ReasonCode.SEVERAL_TASKS: "Several tasks read this kind of image. Choose {tasks}.",
    ReasonCode.NO_TASK: "This is none of the kinds of image that Lumen reads. Check the image.",
    ReasonCode.UNCLEAR_MODALITY: "It is not clear which kind of image this is. Choose the task yourself.",
    ReasonCode.ONE_LABEL: "Only {label} reaches its threshold.",
    ReasonCode.NO_LABEL: "No answer reaches its threshold: the network was more certain of most images in validation.",
    ReasonCode.BETWEEN_THRESHOLDS: (
        "The probability of “{label}” is {probability}. Between {low} and {high} the network does not decide."
    ),
    ReasonCode.SEVERAL_LABELS: "The network cannot choose between {labels}.",
    ReasonCode.NOT_EXCLUDED: "Possible: {labels}; not excluded: {not_excluded}.",
}
