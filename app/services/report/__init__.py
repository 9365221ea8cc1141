"""Reports of studies: one content for page, PDF and API; issued documents; bundles and tables of them."""

from app.services.report.bundle import choose_studies, zip_reports
from app.services.report.compose import build_report
from app.services.report.csv import csv_lines
from app.services.report.issue import DamagedReport, current_report, get_report, issue_report, read_report

__all__ = [
    "DamagedReport",
    "build_report",
    "choose_studies",
    "csv_lines",
    "current_report",
    "get_report",
    "issue_report",
    "read_report",
    "zip_reports",
]
