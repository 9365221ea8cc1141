"""The whole job on one labelled image of each task: upload, result, report, history."""

import re

import pytest
from playwright.sync_api import Page, expect

import models
from tests.browser.steps import assert_fits, send, verdict
from tests.ml.labelled import examples_of, needs_labelled_images

NUMBER = re.compile(r"^(<0\.01|>0\.99|[01]\.\d\d)$")


@needs_labelled_images
@pytest.mark.parametrize("task", models.all_tasks(), ids=lambda task: task.name)
def test_an_image_gets_its_result_its_report_and_its_place_in_the_history(page, task):
    image = examples_of(task.name, "test")[0].path
    patient = f"Müller, {task.title}"
    page.goto("/upload")
    assert_fits(page)
    send(page, task.title, image, patient=patient)

    word = verdict(page)
    assert word in ("Finding", "No finding", "Inconclusive")
    expect(page.get_by_text("its output is not a diagnosis").first).to_be_visible()
    check_labels(page, task)
    check_views(page)
    assert_fits(page)
    assert download_report(page).startswith(b"%PDF-")
    check_history(page, patient, word)
    assert_fits(page)


def check_labels(page: Page, task: models.Task) -> None:
    """Every answer of the question that decides stands there with a number; so do those of all other questions."""
    rows = page.locator(".head.is-primary tbody tr")
    names = [text.strip() for text in rows.locator("th[scope=row]").all_text_contents()]
    assert len(names) == len(task.labels)
    for label in task.labels:
        assert any(name.startswith(label.name) for name in names), label.name
    numbers = page.locator(".labels td.number").all_text_contents()
    assert len(numbers) >= len(task.labels)
    assert all(NUMBER.match(number) for number in numbers), numbers


def check_views(page: Page) -> None:
    """The links over the picture show each view in place; the slider sets how strong the heatmap is."""
    address = page.url
    shown = page.locator(".viewer-frame img")
    for name in ("Original", "Heatmap", "Edges", "Hybrid", "Overlay"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator(".segmented [aria-current]")).to_have_text(name)
        expect(shown).to_have_count(2 if name == "Overlay" else 1)
        picture = "image => image.decode().then(() => image.naturalWidth)"
        assert all(image.evaluate(picture) > 0 for image in shown.all()), name
    page.get_by_label("Heatmap opacity").fill("25")
    expect(shown.last).to_have_css("opacity", "0.25")
    assert page.url == address


def download_report(page: Page) -> bytes:
    page.get_by_role("button", name="Create PDF report").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF of").click()
    return download.value.path().read_bytes()


def check_history(page: Page, patient: str, word: str) -> None:
    """A search for the patient's name finds this one study, with its outcome."""
    page.get_by_role("link", name="Studies", exact=True).click()
    page.get_by_label("Patient or file name").fill(patient)
    page.get_by_label("Patient or file name").press("Enter")
    expect(page.get_by_text("1 study found")).to_be_visible()
    row = page.locator("tbody tr")
    expect(row.get_by_role("link", name=patient)).to_be_visible()
    expect(row.locator(".badge")).to_have_text(word)
