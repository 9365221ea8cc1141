"""Templates: nothing imported in vain, every file used, every address made by an existing endpoint."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

TEMPLATES = Path(__file__).parents[2] / "templates"
FILES = sorted(TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_uses_every_macro_that_it_imports(path):
    tree = Environment(extensions=["jinja2.ext.do"]).parse(path.read_text(encoding="utf-8"))
    imported = {
        name if isinstance(name, str) else name[1] for node in tree.find_all(nodes.FromImport) for name in node.names
    }
    used = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    assert not imported - used


def test_every_template_is_used():
    root = TEMPLATES.parent
    sources = [*FILES, *(root / "app").rglob("*.py")]
    mentioned = set(re.findall(r"[\"']([\w/-]+\.html)[\"']", "".join(path.read_text("utf-8") for path in sources)))
    assert {str(path.relative_to(TEMPLATES)) for path in FILES} - mentioned == set()


def test_every_endpoint_that_templates_name_exists(app):
    named = set()
    for path in FILES:
        named |= set(re.findall(r"url_for\(\s*[\"']([\w.]+)[\"']", path.read_text("utf-8")))
    assert named - set(app.view_functions) == set()
