"""The tables, one file per subject."""

from app.entities.acquisitions import Acquisition
from app.entities.analyses import Analysis, Finding
from app.entities.audit import AuditEvent
from app.entities.base import MAX_ID, Entity, new_key, utc_now
from app.entities.reports import Report
from app.entities.reviews import Review
from app.entities.settings import Setting
from app.entities.studies import MAX_TERM, FailureCode, Image, ImageStatus, ReviewState, SearchTerm, Study, StudyStatus
from app.entities.users import ApiToken, Role, User

__all__ = [
    "MAX_ID",
    "MAX_TERM",
    "Acquisition",
    "Analysis",
    "ApiToken",
    "AuditEvent",
    "Entity",
    "FailureCode",
    "Finding",
    "Image",
    "ImageStatus",
    "Report",
    "Review",
    "ReviewState",
    "Role",
    "SearchTerm",
    "Setting",
    "Study",
    "StudyStatus",
    "User",
    "new_key",
    "utc_now",
]
