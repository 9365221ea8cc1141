"""The application for gunicorn (`wsgi:app`) and the command line (`flask --app wsgi`)."""

from app import create_app

app = create_app()
