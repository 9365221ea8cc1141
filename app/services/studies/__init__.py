"""What Lumen does with studies: take them in, analyse, find, review, copy and remove them."""

from app.services.studies.analyse import (
    all_tasks,
    analyse,
    analyse_study,
    available_tasks,
    label_names,
    task_titles,
    try_again,
    unavailable_reasons,
)
from app.services.studies.claim import list_waiting
from app.services.studies.copy import Offer, copy_study, list_offers
from app.services.studies.detect import DETECT, UnclearTask
from app.services.studies.files import Upload
from app.services.studies.find import (
    SORTS,
    StudyFilter,
    get_image,
    get_study,
    iter_studies,
    list_keys,
    list_owners,
    list_studies,
)
from app.services.studies.pictures import render_view, views_of
from app.services.studies.remedy import Remedy, list_remedies, send_righted
from app.services.studies.remove import delete_study, may_delete, purge_studies
from app.services.studies.review import InvalidReview, is_reviewable, may_review, record_review, review_labels
from app.services.studies.state import lead_analysis
from app.services.studies.submit import MAX_NAME, MAX_NOTE, MAX_REFERENCE, submit_study

__all__ = [
    "DETECT",
    "MAX_NAME",
    "MAX_NOTE",
    "MAX_REFERENCE",
    "SORTS",
    "InvalidReview",
    "Offer",
    "Remedy",
    "StudyFilter",
    "UnclearTask",
    "Upload",
    "all_tasks",
    "analyse",
    "analyse_study",
    "available_tasks",
    "copy_study",
    "delete_study",
    "get_image",
    "get_study",
    "is_reviewable",
    "iter_studies",
    "label_names",
    "lead_analysis",
    "list_keys",
    "list_offers",
    "list_owners",
    "list_remedies",
    "list_studies",
    "list_waiting",
    "may_delete",
    "may_review",
    "purge_studies",
    "record_review",
    "render_view",
    "review_labels",
    "send_righted",
    "submit_study",
    "task_titles",
    "try_again",
    "unavailable_reasons",
    "views_of",
]
