"""The form of a review."""

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from app.entities import Study
from app.services import studies


class ReviewForm(FlaskForm):
    """What belongs together is checked by the service: see studies.record_review."""

    agrees = RadioField(
        "Do you agree with the result?",
        choices=[SelectChoice("yes", "I agree"), SelectChoice("no", "I disagree")],
        validators=[InputRequired("Choose whether you agree.")],
    )
    correct_label = SelectField("Correct label, if you disagree", validate_choice=False)
    comment = TextAreaField("Comment")

    def offer_labels(self, study: Study) -> None:
        """Let the reviewer choose among the answers to this study's question."""
        labels = [SelectChoice(label.key, label.name) for label in studies.review_labels(study)]
        self.correct_label.choices = [SelectChoice("", "None of these, or not sure"), *labels]
