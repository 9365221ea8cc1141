"""What the pages say of odd pictures: the remedy as a button, what was put right, and the quality before the answer."""

import csv
import io

import pytest

from app.entities import Analysis, Study
from app.extensions import db
from app.services.accounts import tokens
from models import Outcome, Reason, ReasonCode, RightingCode
from tests.actors import by
from tests.sending import send_study

BUTTONS = {
    "Analyse it upright": Reason(ReasonCode.TURNED, {"turned": "right"}),
    "Analyse it with light and dark exchanged": Reason(ReasonCode.INVERTED),
    "Analyse each half by itself": Reason(ReasonCode.TWO_PICTURES, {"layout": "above"}),
}
LINE = "Image quality 71 of 100; weakest: sharpness (54)"


def images_by_api(app, user, study: Study) -> list[dict]:
    _, plain = tokens.create_token(user=user, name="test", actor=by(user))
    answer = app.test_client().get(f"/api/v1/studies/{study.key}", headers={"Authorization": f"Bearer {plain}"})
    return answer.json["images"]


def refuse(networks, reason: Reason) -> None:
    networks.outcome, networks.reason = Outcome.NOT_ASSESSED, reason


@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_sends_the_image_put_right(networks, clinician, button):
    refuse(networks, BUTTONS[button])
    study = send_study(clinician)
    page = clinician.get(f"/studies/{study.key}").text
    path = f"/studies/{study.key}/images/{study.images[0].key}/right"
    assert page.count(button) == 1
    assert f'method="post" action="{path}"' in page
    networks.outcome = Outcome.FINDING
    response = clinician.post(path)
    copy = db.session.query(Study).filter(Study.copied_from_id == study.id).one()
    assert (response.status_code, response.location) == (303, f"/studies/{copy.key}")
    assert copy.status == "done"
    again = clinician.get(f"/studies/{study.key}").text
    assert button not in again
    assert f'There is another study of this image, put right: <a href="/studies/{copy.key}">' in again


@pytest.mark.parametrize(
    "code", [ReasonCode.SCREEN_PHOTO, ReasonCode.DRAWN_ON, ReasonCode.MARKER_COVERS, ReasonCode.HEAD_CT]
)
def test_what_only_the_sender_can_mend_has_words_and_no_button(networks, clinician, code):
    refuse(networks, Reason(code, {"expected": "chest_xray"}))
    study = send_study(clinician)
    page = clinician.get(f"/studies/{study.key}").text
    assert "Not assessed" in page
    assert "Analyse it " not in page
    assert f"/images/{study.images[0].key}/right" not in page
    assert clinician.post(f"/studies/{study.key}/images/{study.images[0].key}/right").status_code == 422


def test_each_image_of_several_has_its_own_button(networks, clinician):
    refuse(networks, BUTTONS["Analyse it upright"])
    page = clinician.get(f"/studies/{send_study(clinician, images=2).key}").text
    assert page.count("Analyse it upright") == 2


def test_the_button_needs_its_token_and_the_rights(networks, clinician, sign_in, client):
    refuse(networks, BUTTONS["Analyse it upright"])
    study = send_study(clinician)
    path = f"/studies/{study.key}/images/{study.images[0].key}/right"
    assert clinician.post(path, csrf=False).status_code == 400
    assert sign_in().post(path).status_code == 404
    assert client.post(path).status_code == 302
    assert db.session.query(Study).count() == 1


def test_a_task_that_is_not_available_has_no_button(networks, clinician):
    refuse(networks, BUTTONS["Analyse it upright"])
    study = send_study(clinician)
    networks.missing["chest"] = "Its network is missing."
    assert "Analyse it upright" not in clinician.get(f"/studies/{study.key}").text


@pytest.mark.parametrize("outcome", [Outcome.FINDING, Outcome.NOT_ASSESSED])
def test_the_quality_stands_before_the_answer(networks, clinician, outcome):
    networks.outcome = outcome
    study = send_study(clinician)
    page = clinician.get(f"/studies/{study.key}").text
    assert page.index(LINE) < page.index('class="verdict-headline"')
    assert "<dt>Sharpness</dt><dd>54 of 100</dd>" in page


def test_what_was_put_right_is_said(networks, clinician):
    networks.righted = (Reason(RightingCode.TRIMMED, {"kept": 0.81}), Reason(RightingCode.INVERTED_BACK))
    study = send_study(clinician)
    page = clinician.get(f"/studies/{study.key}").text
    assert "A border was trimmed before reading: 81 % of the image was read." in page
    assert "Light and dark were exchanged in this image" in page


def test_api_and_csv_tell_both(app, networks, clinician):
    networks.righted = (Reason(RightingCode.TRIMMED, {"kept": 0.81}), Reason(RightingCode.INVERTED_BACK))
    study = send_study(clinician)
    (image,) = images_by_api(app, clinician.user, study)
    assert image["righted"] == ["trimmed", "inverted_back"]
    assert image["quality"] == {
        "score": 71,
        "parts": {"sharpness": 54, "exposure": 96, "framing": 100, "size": 90, "likeness": 100},
    }
    (row,) = csv.DictReader(io.StringIO(clinician.get("/studies.csv").text.lstrip("\ufeff")))
    assert (row["quality"], row["righted"]) == ("71", "trimmed + inverted_back")


def test_an_analysis_of_a_former_version_has_neither(app, networks, clinician):
    study = send_study(clinician)
    analysis = db.session.query(Analysis).one()
    analysis.quality, analysis.righted = {}, []
    db.session.commit()
    assert "Image quality" not in clinician.get(f"/studies/{study.key}").text
    (image,) = images_by_api(app, clinician.user, study)
    assert (image["quality"], image["righted"]) == (None, [])
    (row,) = csv.DictReader(io.StringIO(clinician.get("/studies.csv").text.lstrip("\ufeff")))
    assert (row["quality"], row["righted"]) == ("", "")
