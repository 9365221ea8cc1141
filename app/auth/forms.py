"""Forms of accounts. What makes an address or a password acceptable is decided by services.accounts."""

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

EMAIL = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
NEW_PASSWORD = {"autocomplete": "new-password"}
CURRENT_PASSWORD = {"autocomplete": "current-password"}


class SignInForm(FlaskForm):
    email = EmailField("E-mail address", [InputRequired("Enter your e-mail address.")], render_kw=EMAIL)
    password = PasswordField("Password", [InputRequired("Enter your password.")], render_kw=CURRENT_PASSWORD)
    next = HiddenField()


class RegisterForm(FlaskForm):
    name = StringField("Name", [InputRequired("Enter your name.")], render_kw={"autocomplete": "name"})
    email = EmailField("E-mail address", [InputRequired("Enter your e-mail address.")], render_kw=EMAIL)
    password = PasswordField("Password", [InputRequired("Choose a password.")], render_kw=NEW_PASSWORD)


class PasswordForm(FlaskForm):
    current = PasswordField(
        "Current password", [InputRequired("Enter your current password.")], render_kw=CURRENT_PASSWORD
    )
    new = PasswordField("New password", [InputRequired("Choose a new password.")], render_kw=NEW_PASSWORD)


class TokenForm(FlaskForm):
    name = StringField(
        "What is it for?",
        [
            InputRequired("Name the program that will use the token."),
            Length(max=80, message="Use at most 80 characters."),
        ],
    )
