import pytest

import config
from app import create_app
from config import ConfigError
from models import deployment


@pytest.mark.parametrize("secret", ["", "dev", "changeme", "x" * 31, "x" * 64])
def test_production_refuses_a_missing_or_weak_secret(monkeypatch, secret):
    monkeypatch.setenv("SECRET_KEY", secret)
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        config.Production()


def test_production_takes_a_strong_secret_and_former_ones(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef" * 4)
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", "one,two")
    settings = config.Production()
    assert settings.SECRET_KEY_FALLBACKS == ["one", "two"]
    assert settings.SESSION_COOKIE_SECURE and settings.SESSION_COOKIE_NAME.startswith("__Host-")
    assert not getattr(settings, "DEBUG", False)


def test_production_refuses_debug_mode(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef" * 4)
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(ConfigError, match="FLASK_DEBUG"):
        config.Production()


def test_development_keeps_its_secret(monkeypatch, tmp_path):
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("LUMEN_ENV", "development")
    monkeypatch.setattr(config, "INSTANCE", tmp_path / "instance")
    first, second = config.from_environment(), config.from_environment()
    assert first.SECRET_KEY == second.SECRET_KEY and len(first.SECRET_KEY) == 64
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o077 == 0


def test_an_unknown_environment_is_refused(monkeypatch):
    monkeypatch.setenv("LUMEN_ENV", "prod")
    with pytest.raises(ConfigError, match="production"):
        config.from_environment()


@pytest.mark.parametrize("value", ["many", "-1", "1.5", "١"])
def test_numbers_must_be_numbers(monkeypatch, value):
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ConfigError, match="PORT"):
        config.whole_number("PORT")


def test_networks_that_are_not_registered_end_the_start(choose_networks):
    choose_networks("chest=resnet50")
    with pytest.raises(ConfigError, match=r"LUMEN_NETWORKS holds 'chest=resnet50'.*chest=cnn, chest=mobilenet_v2"):
        create_app(config.Testing())


def test_every_variable_is_explained_once():
    names = [variable.name for variable in config.VARIABLES]
    assert len(set(names)) == len(names)
    assert all(variable.help.endswith(".") for variable in config.VARIABLES)
    assert deployment.CHOICE in names, "what `models` reads by itself"
