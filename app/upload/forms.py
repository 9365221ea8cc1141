"""The form that sends a study."""

from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage
from wtforms import HiddenField, MultipleFileField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from app.entities import new_key
from app.services import studies


def _at_most(count: int) -> Length:
    return Length(max=count, message=f"Use at most {count} characters here.")


class UploadForm(FlaskForm):
    # The service checks the choice: it knows which tasks there are, and which of them can be answered now.
    task = RadioField("Task", choices=[], validate_choice=False, validators=[InputRequired("Choose a task.")])
    images = MultipleFileField("Images")
    patient_name = StringField("Patient name", default="", validators=[_at_most(studies.MAX_NAME)])
    patient_reference = StringField("Patient reference", default="", validators=[_at_most(studies.MAX_REFERENCE)])
    note = TextAreaField("Note", default="", validators=[_at_most(studies.MAX_NOTE)])
    # Made when the page is shown: sending the same form twice makes one study.
    submission_key = HiddenField(default=new_key)

    def validate_images(self, _field: MultipleFileField) -> None:
        if not self.files():
            raise ValidationError("Choose at least one image.")

    def files(self) -> list[FileStorage]:
        """The files that were chosen; an empty file field sends one part without a name."""
        return [file for file in self.images.data or () if isinstance(file, FileStorage) and file.filename]

    def uploads(self) -> list[studies.Upload]:
        return [studies.Upload(filename=file.filename or "", data=file.read()) for file in self.files()]
