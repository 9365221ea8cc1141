"""Who may import whom: the table of layers, read from the sources."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLUEPRINTS = ("admin", "api", "auth", "cards", "health", "history", "reports", "upload")
SOURCES = sorted(path for folder in ("app", "models") for path in (ROOT / folder).rglob("*.py"))
WEB_WORDS = {
    "flask.request",
    "flask.session",
    "flask.render_template",
    "flask.url_for",
    "flask.redirect",
    "flask.flash",
}


def imports(path: Path) -> Iterator[str]:
    """Every imported module and `module.name`, wherever in the file the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(path: Path) -> set[str]:
    """What a source file must not import, by the part that it belongs to."""
    part = path.relative_to(ROOT).parts
    if part[0] == "models" and part[1] in ("training", "architectures"):
        return {"app", "config", "flask"} | (set() if path.name == "compile.py" else {"tensorflow"})
    if part[0] == "models":
        return {"app", "config", "flask", "sqlalchemy", "reportlab", "tensorflow", "keras", "sklearn", "matplotlib",
                "models.training", "models.architectures"}  # fmt: skip
    blueprints = {f"app.{name}" for name in BLUEPRINTS}
    if part[1] == "entities.py":
        return {"models", "flask", "app.services", "app.errors"} | blueprints
    if part[1] == "services":
        pdf = part[2:4] == ("report", "pdf")
        return WEB_WORDS | blueprints | {"flask_login", "flask_wtf"} | (set() if pdf else {"reportlab"})
    if part[1] in BLUEPRINTS:
        return {"models", "sqlalchemy", "reportlab"} | (blueprints - {f"app.{part[1]}"})
    return {"reportlab", "keras", "tensorflow"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_what_its_layer_may(path):
    banned = forbidden(path)
    broken = {name for name in imports(path) if any(name == ban or name.startswith(f"{ban}.") for ban in banned)}
    assert not broken


def test_only_one_service_asks_the_networks():
    callers = {path.name for path in (ROOT / "app").rglob("*.py") if "models.predict" in _calls(path)}
    assert callers == {"analyse.py"}


def test_only_the_configuration_and_the_deployment_read_the_environment():
    sources = [*SOURCES, ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
    readers = [path for path in sources if "training" not in path.parts and "os.environ" in _calls(path)]
    assert readers == [ROOT / "models" / "deployment.py"]


def test_views_and_entities_never_commit():
    views = [path for path in SOURCES if path.name in ("views.py", "entities.py", "forms.py")]
    assert len(views) > 7
    assert [str(path) for path in views if any("commit" in call for call in _calls(path))] == []


def _calls(path: Path) -> set[str]:
    """Every dotted name that the file mentions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_the_web_process_never_imports_tensorflow():
    code = "import sys, app, models; print(sorted({'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
