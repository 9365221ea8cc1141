"""What layers may do, where import-linter (pyproject.toml) sees too little: names within a module, and calls."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("app", "models") for path in (ROOT / folder).rglob("*.py"))
SERVICES = [path for path in SOURCES if path.is_relative_to(ROOT / "app" / "services")]
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
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: str(path.relative_to(ROOT)))
def test_services_know_nothing_of_a_request(path):
    assert not WEB_WORDS & set(imports(path))


def test_only_one_service_asks_the_networks():
    callers = {path.name for path in (ROOT / "app").rglob("*.py") if "models.predict" in _calls(path)}
    assert callers == {"analyse.py"}


def test_only_the_configuration_and_the_deployment_read_the_environment():
    sources = [*SOURCES, ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
    readers = [path for path in sources if "training" not in path.parts and "os.environ" in _calls(path)]
    assert readers == [ROOT / "models" / "deployment.py"]


def test_views_and_entities_never_commit():
    views = [path for path in SOURCES if {"views", "forms", "entities"} & {*path.parts, path.stem}]
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
