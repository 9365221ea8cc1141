"""The web application. create_app puts the parts together; what a part does is in the file of its name."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import config as settings
import models
from app import commands, errors, extensions, filters, headers, home, logs
from app.admin import views as admin
from app.api import views as api
from app.auth import sessions
from app.auth import views as auth
from app.cards import views as cards
from app.health import views as health
from app.history import views as history
from app.reports import views as reports
from app.upload import views as upload

BLUEPRINTS = (home.bp, auth.bp, upload.bp, history.bp, reports.bp, cards.bp, admin.bp, api.bp, health.bp)


def create_app(config: object | None = None) -> Flask:
    """The application, set up by `config` or, without one, by the environment (see config.VARIABLES).

    Raises ConfigError when the environment does not allow a start.
    """
    _check_networks()
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_object(config or settings.from_environment())
    if proxies := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)
    for part in (logs, extensions, sessions, errors, headers, filters, commands):
        part.register(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _check_networks() -> None:
    try:
        models.current_deployment()
    except models.UnfitChoice as error:
        raise settings.ConfigError(str(error)) from None
