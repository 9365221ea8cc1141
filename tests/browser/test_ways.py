"""What needs no labelled image: refusals, the keyboard, drag and drop, no scripts, signing out."""

import re

import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from models import encode_image
from tests.browser.steps import assert_fits, choose_files, register, send, sign_in, verdict
from tests.ml.dicom_files import dicom_file
from tests.ml.pictures import pages

# A chequered board: sharp, and no network's kind of image.
BOARD = ((np.indices((240, 320)) // 40).sum(axis=0) % 2 * 255).astype(np.uint8)
DRAWN: FilePayload = {"name": "drawn.jpg", "mimeType": "image/jpeg", "buffer": encode_image(BOARD, "image/jpeg")}
OTHER: FilePayload = {"name": "other.png", "mimeType": "image/png", "buffer": encode_image(BOARD.T, "image/png")}


def heading(page: Page):
    return page.get_by_role("heading", level=1)


def check_not_assessed(page: Page) -> None:
    assert verdict(page) == "Not assessed"
    expect(page.locator(".verdict")).to_contain_text("This does not look like a brain MRI")
    expect(page.locator(".labels, .viewer .opacity")).to_have_count(0)


def test_a_picture_of_no_known_kind_is_not_assessed(page):
    page.goto("/upload")
    send(page, "Brain MRI", DRAWN, patient="Drawn, Picture")
    check_not_assessed(page)
    assert_fits(page)


def test_after_signing_out_the_back_button_shows_no_result(open_context):
    context = open_context()
    page = context.new_page()
    register(page, "Dr. Grace Hopper", "grace@ward.example.org")
    send(page, "Brain MRI", DRAWN, patient="Secret, Patient")
    check_not_assessed(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out")).to_be_visible()
    page.go_back()
    expect(heading(page)).to_have_text("Sign in")
    assert "Secret, Patient" not in page.content()
    assert not context.faults


def test_a_file_that_is_no_image_is_refused_and_the_typed_words_stay(page):
    page.goto("/upload")
    text: FilePayload = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"Dear colleague,\n" * 40}
    page.get_by_label("Note").fill("Fell from a ladder.")
    send(page, "Brain MRI", text, patient="Kept, Name")
    refusal = page.get_by_role("alert").filter(has_text="Please check the form")
    expect(refusal).to_contain_text("notes.jpg: ")
    expect(heading(page)).to_have_text("Upload images")
    expect(page.get_by_label("Patient name")).to_have_value("Kept, Name")
    expect(page.get_by_label("Note")).to_have_value("Fell from a ladder.")
    expect(page.get_by_role("radio", name="Brain MRI")).to_be_checked()
    assert_fits(page)


def test_the_keyboard_alone_is_enough(page):
    page.goto("/upload")
    press_until(page, "Tab", "input[name=task]")
    page.keyboard.press("Space")
    press_until(page, "ArrowDown", "input[value=brain]")
    expect(page.get_by_role("radio", name="Brain MRI")).to_be_checked()
    press_until(page, "Tab", "#images")
    with page.expect_file_chooser() as dialog:
        page.keyboard.press("Enter")
    dialog.value.set_files(DRAWN)
    press_until(page, "Tab", "button[type=submit].primary")
    page.keyboard.press("Enter")
    check_not_assessed(page)


def press_until(page: Page, key: str, selector: str, most: int = 20) -> None:
    """Press a key until the focus is on an element that fits the selector, and can be seen there."""
    focused = page.locator(":focus")
    for _ in range(most):
        page.keyboard.press(key)
        if focused.count() and focused.evaluate("(element, selector) => element.matches(selector)", selector):
            expect(focused).to_be_visible()
            return
    raise AssertionError(f"{most} times {key} did not reach {selector}")


def test_two_files_are_dropped_and_one_is_removed(page):
    page.goto("/upload")
    files = page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            for (const name of ["one.png", "two.png"]) {
                transfer.items.add(new File(["pixels of " + name], name, { type: "image/png" }));
            }
            return transfer;
        }"""
    )
    page.dispatch_event(".dropzone", "drop", {"dataTransfer": files})
    previews = page.get_by_role("list", name="Chosen images").get_by_role("listitem")
    expect(previews).to_have_count(2)
    page.get_by_role("button", name="Remove one.png").click()
    expect(previews).to_have_count(1)
    expect(previews).to_contain_text("two.png")
    assert page.get_by_label("Choose images").evaluate("input => [...input.files].map(file => file.name)") == [
        "two.png"
    ]


def test_a_second_choice_adds_to_the_first(page):
    page.goto("/upload")
    choose_files(page, DRAWN)
    choose_files(page, OTHER)
    expect(page.get_by_role("list", name="Chosen images").get_by_role("listitem")).to_have_count(2)
    assert_fits(page)


def test_each_page_of_a_tiff_is_an_image_and_the_browser_needs_not_show_it(page):
    page.goto("/upload")
    data = pages(Image.fromarray(BOARD), Image.fromarray(np.ascontiguousarray(BOARD.T)))
    choose_files(page, {"name": "two.tif", "mimeType": "image/tiff", "buffer": data})
    preview = page.get_by_role("list", name="Chosen images").get_by_role("listitem")
    expect(preview).to_contain_text("two.tif")
    expect(preview.locator(".preview-type")).to_have_text("TIF")
    expect(preview.locator("img")).to_have_count(0)
    assert_fits(page)
    page.get_by_role("radio", name="Brain MRI").check()
    page.get_by_role("button", name="Analyse images").click()
    check_not_assessed(page)
    expect(page.locator("#image-1")).to_contain_text("two.tif")
    expect(page.locator("#image-2")).to_contain_text("two.tif")
    expect(page.locator("#image-3")).to_have_count(0)


def test_a_dicom_file_needs_no_ending_and_fills_in_the_patient(page, tmp_path):
    page.goto("/upload")
    data = dicom_file(
        np.asarray(Image.fromarray(BOARD).convert("L")), Modality="MR", PatientName="Doe^Jane", PatientID="P-17"
    )
    path = tmp_path / "IM0001"
    path.write_bytes(data)
    choose_files(page, path)
    expect(page.get_by_role("list", name="Chosen images").get_by_role("listitem")).to_contain_text("IM0001")
    page.get_by_role("radio", name="Brain MRI").check()
    page.get_by_role("button", name="Analyse images").click()
    check_not_assessed(page)
    page.get_by_text("What the file says").click()
    expect(page.locator("#image-1")).to_contain_text("Doe, Jane, P-17")
    assert_fits(page)


def test_a_file_of_another_type_is_told_before_it_is_sent(page):
    page.goto("/upload")
    choose_files(page, {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}, DRAWN)
    expect(page.locator(".file-error")).to_contain_text("notes.pdf: this is not a DICOM, JPEG, PNG, TIFF")
    previews = page.get_by_role("list", name="Chosen images").get_by_role("listitem")
    expect(previews).to_have_count(1)
    expect(previews).to_contain_text("drawn.jpg")


def test_it_works_without_scripts(open_context, account):
    context = open_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, account.email)
    page.get_by_role("radio", name="Brain MRI").check()
    page.get_by_label("Choose images").set_input_files(DRAWN)
    page.get_by_label("Patient name").fill("Without, Scripts")
    page.get_by_role("button", name="Analyse images").click()
    check_not_assessed(page)
    expect(page.locator("time").first).to_have_text(re.compile(r"UTC$"))
    page.get_by_role("link", name="Studies", exact=True).click()
    expect(page.get_by_role("link", name="Without, Scripts")).to_be_visible()
    assert not context.faults
