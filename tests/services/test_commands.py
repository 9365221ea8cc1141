"""The command line."""

import pytest

import models
from app.entities import Role, User
from app.extensions import db
from app.services import accounts
from app.services.accounts import tokens
from tests.actors import by
from tests.conftest import PASSWORD


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *args, **options: runner.invoke(args=args, **options)


def test_makes_a_user_with_a_one_time_password_on_the_last_line(flask):
    result = flask("user", "create", "--email", "Root@Ward.Local", "--role", "admin")
    assert result.exit_code == 0
    user = accounts.authenticate(email="root@ward.local", password=result.output.splitlines()[-1], actor=by())
    assert (user.role, user.must_change_password, user.name) == (Role.ADMIN, True, "Root")


def test_makes_a_user_with_the_password_of_standard_input(flask):
    args = ("user", "create", "--email", "a@ward.local", "--role", "reviewer", "--name", "Anna", "--password-stdin")
    result = flask(*args, input=f"{PASSWORD}\n")
    assert result.exit_code == 0 and PASSWORD not in result.output
    user = accounts.authenticate(email="a@ward.local", password=PASSWORD, actor=by())
    assert (user.role, user.must_change_password, user.name) == (Role.REVIEWER, False, "Anna")


@pytest.mark.parametrize("given", ["", "\n", "short\n"])
def test_refuses_a_bad_password_with_a_sentence(flask, given):
    result = flask("user", "create", "--email", "a@ward.local", "--role", "admin", "--password-stdin", input=given)
    assert result.exit_code == 1 and result.output.startswith("Error: ")
    assert db.session.query(User).count() == 0


def test_refuses_a_second_account_and_unknown_roles(flask, make_user):
    make_user(email="a@ward.local")
    assert "already" in flask("user", "create", "--email", "A@ward.local", "--role", "admin").output
    assert flask("user", "create", "--email", "b@ward.local", "--role", "root").exit_code == 2


def test_says_how_to_make_the_first_admin(flask, make_user):
    assert "flask --app wsgi user create" in flask("user", "check").output
    make_user()
    assert flask("user", "check").output == ""


def test_prints_a_token_alone_on_the_last_line(flask, make_user):
    user = make_user(email="a@ward.local")
    result = flask("token", "create", "--email", "A@ward.local")
    assert tokens.find_token(result.output.splitlines()[-1]).user_id == user.id
    assert flask("token", "create", "--email", "nobody@ward.local").exit_code == 1


def test_lists_and_verifies_the_tasks(flask, networks):
    names = [task.name for task in models.all_tasks()]
    assert [line.split()[0] for line in flask("tasks", "list").output.splitlines()] == names
    verified = flask("tasks", "verify")
    assert verified.exit_code == 0 and [line.split() for line in verified.output.splitlines()] == [
        [n, "ok"] for n in names
    ]
    networks.missing["chest"] = "Its hash is wrong."
    failed = flask("tasks", "verify")
    assert failed.exit_code == 1 and "Its hash is wrong." in failed.output


def test_lists_what_else_is_registered(flask, networks):
    networks.registered["chest"] = ("cnn", "mobilenet_v2", "resnet50")
    lines = {line.split()[0]: line for line in flask("tasks", "list").output.splitlines()}
    assert lines["chest"].endswith("mobilenet_v2 (also registered: cnn, resnet50)")
    assert lines["brain"].endswith("mobilenet_v2")


def test_purge_needs_an_age(flask):
    assert flask("purge").exit_code == 2
    assert flask("purge", "--days", "-1").exit_code == 2
    assert flask("purge", "--days", "30").output == "Removed 0 studies.\n"
