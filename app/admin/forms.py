"""Forms of the administration pages."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.entities import Role
from app.services.settings import MAX_LENGTH

ROLES = [SelectChoice(role.value, role.value.capitalize()) for role in Role]


class UserForm(FlaskForm):
    name = StringField("Name", [InputRequired("Enter the user's name.")], render_kw={"autocomplete": "off"})
    email = EmailField("E-mail address", [InputRequired("Enter an e-mail address.")], render_kw={"autocomplete": "off"})
    role = SelectField("Role", [InputRequired("Choose a role.")], choices=ROLES)


class RoleForm(FlaskForm):
    role = SelectField("Role", [InputRequired("Choose a role.")], choices=ROLES)


class SettingsForm(FlaskForm):
    registration_open = BooleanField("Anyone who can reach this site may register as a clinician")
    institution = StringField("Institution", [Length(max=MAX_LENGTH, message=f"Use at most {MAX_LENGTH} characters.")])
