"""The command line: `flask --app wsgi user create`, `token create`, `tasks list`, `tasks verify`, `analyse`,
`purge`.
"""

import sys

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

import models
from app.entities import ImageStatus, Role
from app.services import accounts, studies
from app.services.accounts import tokens
from app.services.actor import Actor

users_cli = AppGroup("user", help="Accounts.")
tokens_cli = AppGroup("token", help="Tokens of the JSON API.")
tasks_cli = AppGroup("tasks", help="Clinical questions and their networks.")


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (users_cli, tokens_cli, tasks_cli, analyse_command, purge_command):
        app.cli.add_command(command)


@users_cli.command("create")
@click.option("--email", required=True, help="What the user signs in with.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="As it stands on reports. Default: the part of the e-mail address before @.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
def create_user(email: str, role: str, name: str, password_stdin: bool) -> None:
    """Create an account; without --password-stdin, print a one-time password on the last line."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    if password == "":
        raise click.ClickException("Standard input holds no password.")
    try:
        user, one_time = accounts.create_user(
            email=email,
            name=name or email.partition("@")[0],
            role=Role(role),
            password=password,
            actor=Actor.of_shell(),
        )
    except accounts.InvalidAccount as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Created {user.role} {user.email}.")
    if one_time:
        click.echo("One-time password, to be changed at the first sign-in:")
        click.echo(one_time)


@users_cli.command("check")
def check_users() -> None:
    """Say how to create the first administrator when there is no account yet."""
    if not accounts.has_users():
        click.echo("There is no account yet. Create the first administrator, in another terminal:")
        click.echo("  .venv/bin/flask --app wsgi user create --email YOU@EXAMPLE.ORG --role admin")


@tokens_cli.command("create")
@click.option("--email", required=True, help="Whose studies the token reads and writes.")
@click.option("--name", default="command line", help="What the token is for.")
def create_token(email: str, name: str) -> None:
    """Create an API token and print it, alone on the last line; it is never shown again."""
    user = accounts.find_user(email)
    if user is None:
        raise click.ClickException(f"There is no user {email}.")
    _, plain = tokens.create_token(user=user, name=name, actor=Actor.of_shell())
    click.echo(f"Token of {user.email}, shown this once:")
    click.echo(plain)


@tasks_cli.command("list")
def list_tasks() -> None:
    """List the tasks: name, title, network that serves, other registered networks."""
    for task in models.all_tasks():
        serving = models.current_deployment().network_of(task).name
        others = [name for name in models.registered_networks(task) if name != serving]
        also = f" (also registered: {', '.join(others)})" if others else ""
        click.echo(f"{task.name:<16}{task.title:<36}{serving}{also}")


@tasks_cli.command("verify")
def verify_tasks() -> None:
    """Load every network and compare its hash; fails when one cannot serve."""
    troubles = models.network_status()
    for name, reason in troubles.items():
        click.echo(f"{name:<16}{reason or 'ok'}")
    if any(troubles.values()):
        sys.exit(1)


@click.command("analyse")
@with_appcontext
@click.option("--failed", is_flag=True, help="Also the images that failed.")
def analyse_command(failed: bool) -> None:
    """Analyse all images that wait for it: those of a batch, or what a crash has left."""
    ends = [studies.analyse(image_id) for image_id in studies.list_waiting(with_failed=failed)]
    done, failures = ends.count(ImageStatus.DONE), ends.count(ImageStatus.FAILED)
    click.echo(f"Analysed {done} of {len(ends)} images; {failures} failed.")


@click.command("purge")
@with_appcontext
@click.option("--days", type=click.IntRange(min=0), required=True, help="How long ago they were deleted, at least.")
def purge_command(days: int) -> None:
    """Remove studies that users deleted, with their images, heatmaps and reports, for good."""
    count = studies.purge_studies(deleted_before_days=days, actor=Actor.of_shell())
    click.echo(f"Removed {count} {'study' if count == 1 else 'studies'}.")
