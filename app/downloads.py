"""Files as answers."""

from collections.abc import Iterator

from flask import Response, stream_with_context

from app.entities import Report, utc_now
from app.services.report import read_report


def pdf_response(report: Report) -> Response:
    """The issued PDF as a download. Its name holds the document id alone: download folders are seen by others."""
    response = Response(read_report(report), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="lumen-{report.key}.pdf"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def zip_response(portions: Iterator[bytes]) -> Response:
    """A ZIP as a download, sent while it is made."""
    response = Response(stream_with_context(portions), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="lumen-reports-{utc_now():%Y%m%d}.zip"'
    return response
