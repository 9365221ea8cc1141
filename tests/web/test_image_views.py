"""Pictures are served to those who may see the study, with headers under which nothing in them can run."""

import io

import numpy as np
import pytest
from PIL import Image as Picture

from app.services.storage import file_store
from models import VIEWS, Outcome
from tests.fakes import picture
from tests.sending import send_study, upload

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture
def address(clinician) -> str:
    """The address of an image of the clinician's study, without its view."""
    study = send_study(clinician)
    return f"/studies/{study.key}/images/{study.images[0].key}"


def opened(response) -> Picture.Image:
    return Picture.open(io.BytesIO(response.data))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_a_picture_of_the_same_shape(view, address, clinician):
    response = clinician.get(f"{address}/{view}")
    assert response.status_code == 200
    assert opened(response).size == (320, 240)
    assert response.mimetype == f"image/{opened(response).format.lower()}"


@pytest.mark.parametrize("view", VIEWS)
def test_headers_let_nothing_run_and_nothing_be_kept(view, address, clinician):
    """H07"""
    headers = clinician.get(f"{address}/{view}").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"].startswith(f'inline; filename="lumen-{view}.')
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_original_is_the_picture_that_was_sent(address, clinician):
    sent = np.asarray(Picture.open(io.BytesIO(picture(seed=0)))).astype(int)
    shown = np.asarray(opened(clinician.get(f"{address}/original"))).astype(int)
    assert abs(sent - shown).mean() < 3


def test_large_images_are_shown_smaller(clinician):
    response = upload(clinician, picture(size=(2400, 1200)))
    study_key = response.location.rsplit("/", 1)[-1]
    image_key = clinician.get(response.location).text.split("/images/")[1].split("/")[0]
    assert opened(clinician.get(f"/studies/{study_key}/images/{image_key}/original")).size == (1024, 512)


def test_the_heatmap_is_transparent_where_it_is_cold(address, clinician):
    alpha = np.asarray(opened(clinician.get(f"{address}/heatmap")))[..., 3]
    assert alpha[0, 0] < 40
    assert alpha[120, 160] > 200


@pytest.mark.parametrize("view", ["", "thumbnail", "original.php", "..", "%2e%2e", "ORIGINAL"])
def test_unknown_views_are_404(view, address, clinician):
    assert clinician.get(f"{address}/{view}").status_code == 404


def test_each_possible_label_has_its_own_heatmap(networks, clinician):
    networks.outcome, networks.probability = Outcome.INCONCLUSIVE, 0.6
    study = send_study(clinician, task="fracture")
    address = f"/studies/{study.key}/images/{study.images[0].key}"
    lead, other = (clinician.get(f"{address}/heatmap?label={label}").data for label in ("fractured", "normal"))
    assert lead != other
    assert clinician.get(f"{address}/heatmap").data == lead
    for label in ("oblique", "hand", "unheard_of"):
        assert clinician.get(f"{address}/overlay?label={label}").status_code == 404


def test_without_heatmap_there_are_only_original_and_edges(networks, clinician):
    networks.outcome = Outcome.NOT_ASSESSED
    study = send_study(clinician)
    statuses = {v: clinician.get(f"/studies/{study.key}/images/{study.images[0].key}/{v}").status_code for v in VIEWS}
    assert statuses == {"original": 200, "edges": 200, "overlay": 404, "heatmap": 404, "hybrid": 404}


@pytest.mark.parametrize("view", VIEWS)
def test_others_get_the_same_404_as_for_nothing(view, address, sign_in):
    stranger = sign_in()
    assert stranger.get(f"{address}/{view}").status_code == 404
    assert stranger.get(f"/studies/{'0' * 32}/images/{'0' * 32}/{view}").status_code == 404


def test_an_image_belongs_to_its_study(address, clinician):
    other = send_study(clinician)
    image_key = address.rsplit("/", 1)[-1]
    assert clinician.get(f"/studies/{other.key}/images/{image_key}/original").status_code == 404


def test_reviewers_see_them_and_strangers_are_sent_to_the_login(address, reviewer, client):
    assert reviewer.get(f"{address}/overlay").status_code == 200
    assert client.get(f"{address}/overlay").status_code == 302


@pytest.mark.parametrize("view", VIEWS)
def test_a_missing_file_says_so(view, clinician):
    study = send_study(clinician)
    file_store().delete(study.images[0].stored_name)
    response = clinician.get(f"/studies/{study.key}/images/{study.images[0].key}/{view}")
    assert response.status_code == 404
    assert "Image missing" in response.text


def test_a_missing_heatmap_says_so(clinician):
    study = send_study(clinician)
    file_store().delete(study.images[0].analysis.mapped_findings[0].saliency_name)
    base = f"/studies/{study.key}/images/{study.images[0].key}"
    assert clinician.get(f"{base}/overlay").status_code == 404
    assert clinician.get(f"{base}/original").status_code == 200


@pytest.mark.parametrize("cut", [lambda data: data[: len(data) // 2], lambda data: data[:-400] + b"\xff\xd9"])
def test_a_damaged_file_says_so_and_costs_no_report(cut, clinician):
    study = send_study(clinician)
    image = study.images[0]
    path = file_store().root / image.stored_name
    path.write_bytes(cut(path.read_bytes()))
    response = clinician.get(f"/studies/{study.key}/images/{image.key}/original")
    assert (response.status_code, "Image damaged" in response.text) == (404, True)
    assert clinician.post(f"/studies/{study.key}/reports").status_code == 303
