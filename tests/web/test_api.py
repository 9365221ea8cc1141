"""The JSON API as a program uses it."""

import hashlib
import io
from datetime import datetime

import pytest
from PIL import Image as PillowImage
from pypdf import PdfReader
from sqlalchemy import func, select

import models
from app.api.serializers import study_json
from app.entities import Report, Study
from app.extensions import db
from app.services import studies
from app.services.accounts import tokens
from app.services.paging import PER_PAGE
from app.services.report import build_report
from tests.actors import by
from tests.fakes import SHA256, picture

JPEG = picture()
UNKNOWN = "0" * 32
PATHS = (
    "/api/v1/tasks",
    "/api/v1/studies",
    f"/api/v1/studies/{UNKNOWN}",
    f"/api/v1/studies/{UNKNOWN}/report.pdf",
    f"/api/v1/studies/{UNKNOWN}/images/{UNKNOWN}/heatmap.png",
)

pytestmark = pytest.mark.usefixtures("networks")


class Api:
    """A program with a token."""

    def __init__(self, app, user) -> None:
        self.user = user
        self.token, plain = tokens.create_token(user=user, name="test", actor=by(user))
        self.headers = {"Authorization": f"Bearer {plain}"}
        self.client = app.test_client()

    def get(self, path: str, **kwargs):
        return self.client.get(path, headers=self.headers, **kwargs)

    def send(self, *images: bytes, task: str = "chest", headers: dict | None = None, **fields):
        files = [(io.BytesIO(data), f"image{number}.jpg") for number, data in enumerate(images)]
        return self.client.post(
            "/api/v1/studies",
            headers=self.headers | (headers or {}),
            data={"task": task, "image": files, **fields},
            content_type="multipart/form-data",
            csrf=False,
        )

    def send_one(self, **fields) -> dict:
        response = self.send(JPEG, **fields)
        assert response.status_code == 201, response.text
        return response.json


@pytest.fixture
def api(app, make_user) -> Api:
    return Api(app, make_user(name="Dr Anna Example"))


@pytest.fixture
def stranger(app, make_user) -> Api:
    return Api(app, make_user())


def assert_error(response, status: int, code: str) -> str:
    """The answer is an error in JSON of this status and code; returns its message."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert set(response.json) == {"error"}
    assert set(response.json["error"]) == {"code", "message"}
    assert response.json["error"]["code"] == code
    assert response.json["error"]["message"].endswith(".")
    return response.json["error"]["message"]


def count_studies() -> int:
    return db.session.scalar(select(func.count(Study.id)))


# Tasks


def test_tasks_are_listed_with_their_labels(api, networks):
    networks.missing["brain"] = "No network."
    listed = {task["name"]: task for task in api.get("/api/v1/tasks").json["tasks"]}
    assert list(listed) == ["injury", "skin_lesion", "fracture", "chest", "brain"]
    assert listed["chest"]["labels"] == ["normal", "pneumonia", "tuberculosis"]
    assert listed["chest"]["label_names"]["pneumonia"] == "Pneumonia"
    assert listed["chest"]["available"] and not listed["brain"]["available"]
    assert [head["head"] for head in listed["fracture"]["heads"]] == ["part", "fractured", "type"]
    assert [head["is_primary"] for head in listed["fracture"]["heads"]] == [False, True, False]


# Sending


def test_a_study_is_answered_with_its_result(api):
    response = api.send(JPEG, patient_name="Jane Doe", patient_reference="MRN 1", note="Cough.")
    assert response.status_code == 201
    answer = response.json
    assert response.headers["Location"] == f"/api/v1/studies/{answer['id']}"
    assert (answer["task"], answer["outcome"], answer["headline"]) == (
        "chest", "finding", "Likely pneumonia (probability 0.90)",
    )  # fmt: skip
    assert answer["findings"][0] == {
        "label": "pneumonia", "name": "Pneumonia", "probability": 0.9, "decision": "likely", "threshold": 0.5,
    }  # fmt: skip
    assert sum(finding["probability"] for finding in answer["findings"]) == pytest.approx(1)
    assert answer["model"] == {"network": "mobilenet_v2", "version": "1.0.0", "sha256": SHA256}
    assert answer["timings_ms"]["network"] == 2.5
    assert answer["created_at"].endswith("Z")
    assert datetime.fromisoformat(answer["created_at"]).tzinfo is not None
    assert (answer["patient_name"], answer["patient_reference"], answer["note"]) == ("Jane Doe", "MRN 1", "Cough.")
    assert answer["sent_by"] == "Dr Anna Example"
    assert "not a diagnosis" in answer["statement"]
    (image,) = answer["images"]
    assert image["sha256"] == hashlib.sha256(JPEG).hexdigest()
    assert image["original_name"] == "image0.jpg"
    assert image["findings"] == answer["findings"]
    assert api.get(answer["url"]).json == answer


def test_a_reason_is_given_with_its_code_and_values(app, api):
    assert api.send_one(task="chest")["reason"] == "Only pneumonia reaches its threshold."
    study = db.session.query(Study).one()
    analysis = study.images[0].analysis
    analysis.reason_code, analysis.reason_values = "one_label", {"head": "chest", "label": "tuberculosis"}
    with app.test_request_context():
        answer = study_json(study, build_report(study))
    for said in (answer, answer["images"][0]):
        assert said["reason"] == "Only tuberculosis reaches its threshold."
        assert said["reason_code"] == "one_label"
        assert said["reason_values"] == {"head": "chest", "label": "tuberculosis"}


def test_a_fracture_has_its_other_heads(api):
    answer = api.send_one(task="fracture")
    assert {finding["label"] for finding in answer["findings"]} == {"fractured", "normal"}
    assert [head["head"] for head in answer["heads"]] == ["part", "type"]
    for head in answer["heads"]:
        assert sum(finding["probability"] for finding in head["findings"]) == pytest.approx(1)


def test_several_images_each_have_a_result(api):
    answer = api.send(JPEG, picture(seed=1), picture(seed=2, kind="PNG")).json
    assert [image["original_name"] for image in answer["images"]] == ["image0.jpg", "image1.jpg", "image2.jpg"]
    assert all(image["findings"] and image["heatmap_url"] for image in answer["images"])


def test_what_was_not_assessed_has_no_findings(api, networks):
    networks.outcome, networks.suggested = models.Outcome.NOT_ASSESSED, "skin_lesion"
    answer = api.send_one()
    assert (answer["outcome"], answer["findings"], answer["heads"]) == ("not_assessed", [], [])
    assert answer["reason"].startswith("This does not look like")
    assert answer["label"] is None and answer["probability"] is None
    assert (answer["images"][0]["heatmap_url"], answer["images"][0]["heatmaps"]) == (None, [])
    assert answer["images"][0]["suggested_task"] == "skin_lesion"
    assert answer["model"]["sha256"] == SHA256


def test_a_network_that_fails_costs_no_study(api, networks):
    networks.failure = models.NetworkUnavailable("The network of Chest X-ray is not installed.")
    answer = api.send_one()
    assert (answer["status"], answer["outcome"], answer["findings"]) == ("incomplete", None, [])
    assert answer["reason"].startswith("The network of Chest X-ray cannot be used now.")
    image = answer["images"][0]
    assert (image["status"], image["outcome"], image["reason"]) == ("failed", None, answer["reason"])
    assert api.get(answer["url"]).status_code == 200


def test_the_same_idempotency_key_makes_one_study(api, stranger):
    headers = {"Idempotency-Key": "order-17"}
    first = api.send(JPEG, headers=headers).json["id"]
    assert api.send(JPEG, headers=headers).json["id"] == first
    assert stranger.send(JPEG, headers=headers).json["id"] != first
    assert count_studies() == 2
    assert_error(api.send(JPEG, headers={"Idempotency-Key": "k" * 256}), 400, "bad_request")


@pytest.mark.parametrize(
    ("data", "word"),
    [(b"", "empty"), (b"plain text", "JPEG"), (picture(kind="PNG")[:300], "incomplete"), (JPEG[:200], "incomplete")],
    ids=["empty", "text", "cut PNG", "cut JPEG"],
)
def test_what_is_no_image_is_refused(api, data, word):
    message = assert_error(api.send(data), 422, "not_accepted")
    assert word in message
    assert count_studies() == 0


def test_incomplete_studies_are_refused(api):
    assert "task" in assert_error(api.send(JPEG, task="palm"), 422, "not_accepted")
    assert "image" in assert_error(api.send(), 422, "not_accepted")
    assert "120" in assert_error(api.send(JPEG, patient_name="x" * 121), 422, "not_accepted")
    assert "8" in assert_error(api.send(*[JPEG] * 9), 422, "not_accepted")
    assert count_studies() == 0


def test_a_task_may_be_left_to_be_found_from_the_image(api, networks):
    networks.detected = [
        models.Detection(models.get_task("brain")),
        models.Detection(None, models.Reason(models.ReasonCode.NO_TASK)),
    ]
    answer = api.send_one(task="detect")
    assert (answer["task"], answer["task_detected"]) == ("brain", True)
    message = assert_error(api.send(JPEG, task="detect"), 422, "not_accepted")
    assert message == "image0.jpg: This is none of the kinds of image that Lumen reads. Check the image."
    assert count_studies() == 1


def test_an_image_sent_as_text_is_no_image(api):
    data = {"task": "chest", "image": "not a file"}
    response = api.client.post(
        "/api/v1/studies", headers=api.headers, data=data, content_type="multipart/form-data", csrf=False
    )
    assert_error(response, 422, "not_accepted")


def test_other_content_types_are_415(api):
    for sent in ({"json": {"task": "chest"}}, {"data": JPEG, "content_type": "image/jpeg"}, {}):
        response = api.client.post("/api/v1/studies", headers=api.headers, csrf=False, **sent)
        assert_error(response, 415, "unsupported_media_type")


def test_too_much_is_413(app, api):
    app.config["MAX_CONTENT_LENGTH"] = 10_000
    assert_error(api.send(b"x" * 20_000), 413, "too_large")
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    app.config["MAX_IMAGE_BYTES"] = 1000
    assert_error(api.send(JPEG), 413, "too_large")
    assert count_studies() == 0


def test_over_the_quota_is_429(app, api):
    app.config["UPLOADS_PER_MINUTE"] = 2
    api.send_one()
    api.send_one()
    response = api.send(JPEG)
    assert_error(response, 429, "too_many_requests")
    assert int(response.headers["Retry-After"]) > 0


# Reading


def test_the_list_is_paged(api):
    for number in range(2 * PER_PAGE + 2):
        db.session.add(Study(owner_id=api.user.id, task="chest", outcome="finding", patient_name=f"P {number}"))
    db.session.commit()
    first = api.get("/api/v1/studies").json
    assert set(first) == {"items", "total", "previous", "next"}
    assert (len(first["items"]), first["total"], first["previous"]) == (PER_PAGE, 2 * PER_PAGE + 2, None)
    second = api.get(first["next"]).json
    third = api.get(second["next"]).json
    assert (len(second["items"]), len(third["items"]), third["next"]) == (PER_PAGE, 2, None)
    ids = [item["id"] for answer in (first, second, third) for item in answer["items"]]
    assert len(set(ids)) == len(ids) == 2 * PER_PAGE + 2
    assert api.get(third["previous"]).json["items"] == second["items"]
    back = api.get(second["previous"]).json
    assert (back["items"], back["previous"], back["next"]) == (first["items"], None, first["next"])
    assert second["total"] is None


@pytest.mark.parametrize("name", ["after", "before", "page"])
def test_a_cursor_that_makes_no_sense_is_left_out(api, stranger, name):
    item = api.send_one()["id"]
    theirs = stranger.send_one()["id"]
    for nonsense in ("", "-1", "1e309", "9" * 32, "f" * 32, "NaN", "١" * 32, "' OR 1=1--", theirs):
        answer = api.get("/api/v1/studies", query_string={name: nonsense})
        assert [found["id"] for found in answer.json["items"]] == [item]
        assert answer.json["total"] == 1


def test_a_total_that_takes_long_is_not_counted(api):
    db.session.execute(db.insert(Study), [{"owner_id": api.user.id, "task": "chest"}] * 1001)
    db.session.commit()
    assert api.get("/api/v1/studies").json["total"] is None
    assert api.get("/api/v1/studies?task=brain").json["total"] == 0


def test_the_list_takes_the_filters_of_the_history(api):
    jane = api.send_one(patient_name="Jane Doe")["id"]
    john = api.send_one(patient_name="John Roe", task="brain")["id"]
    for query, expected in (
        ({"q": "jane"}, [jane]),
        ({"task": "brain"}, [john]),
        ({"label": "pneumonia"}, [jane]),
        ({"outcome": "inconclusive"}, []),
        ({"review": "none"}, [john, jane]),
        ({"review": "agreed"}, []),
        ({"date_to": "2001-01-01"}, []),
        ({"sort": "patient"}, [jane, john]),
        ({"sort": "password"}, [john, jane]),
        ({"q": "%"}, []),
    ):
        assert [item["id"] for item in api.get("/api/v1/studies", query_string=query).json["items"]] == expected, query


def test_next_keeps_the_filter(api):
    for _ in range(PER_PAGE + 1):
        db.session.add(Study(owner_id=api.user.id, task="brain", outcome="finding"))
    db.session.add(Study(owner_id=api.user.id, task="chest", outcome="finding"))
    db.session.commit()
    following = api.get("/api/v1/studies?task=brain").json["next"]
    second = api.get(following).json
    assert [item["task"] for item in second["items"]] == ["brain"]
    assert second["previous"].startswith("/api/v1/studies?") and "task=brain" in second["previous"]


def test_each_possible_label_has_its_heatmap(api, networks):
    networks.outcome, networks.probability = models.Outcome.INCONCLUSIVE, 0.6
    image = api.send_one()["images"][0]
    assert [heatmap["label"] for heatmap in image["heatmaps"]] == ["pneumonia", "normal"]
    assert image["heatmap_url"] == image["heatmaps"][0]["url"]
    first, second = (api.get(heatmap["url"]).data for heatmap in image["heatmaps"])
    assert first != second


def test_the_heatmap_is_a_picture(api):
    image = api.send_one()["images"][0]
    response = api.get(image["heatmap_url"])
    assert (response.status_code, response.mimetype) == (200, "image/png")
    with PillowImage.open(io.BytesIO(response.data)) as heatmap:
        assert heatmap.size == (image["width"], image["height"])
        assert heatmap.mode == "RGBA"


def test_the_report_is_issued_once_until_something_changes(api, make_user):
    answer = api.send_one(patient_name="Jane Doe")
    first = api.get(answer["report_url"])
    assert (first.status_code, first.mimetype) == (200, "application/pdf")
    assert "Jane Doe" in PdfReader(io.BytesIO(first.data)).pages[0].extract_text()
    assert api.get(answer["report_url"]).data == first.data
    study = studies.get_study(answer["id"], api.user)
    studies.record_review(study=study, agrees=True, correct_label="", comment="", actor=by(make_user("reviewer")))
    assert api.get(answer["report_url"]).data != first.data
    assert db.session.scalar(select(func.count(Report.id))) == 2
    (review,) = api.get(answer["url"]).json["reviews"]
    assert (review["agrees"], review["correct_label"]) == (True, None)


# Who may


@pytest.mark.parametrize("path", PATHS)
def test_no_token_is_401(client, path):
    response = client.get(path)
    assert_error(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "lumen_x", "Bearer \u00e9"])
def test_wrong_tokens_are_401(client, value):
    assert_error(client.get("/api/v1/tasks", headers={"Authorization": value}), 401, "unauthorized")


def test_a_cookie_alone_is_not_accepted(clinician):
    for path in PATHS:
        assert_error(clinician.get(path), 401, "unauthorized")
    response = clinician.post("/api/v1/studies", data={"task": "chest", "image": (io.BytesIO(JPEG), "a.jpg")})
    assert_error(response, 401, "unauthorized")
    assert count_studies() == 0


def test_a_token_counts_whatever_the_cookie(app, clinician, api):
    mine = api.send_one()["id"]
    response = clinician.get(f"/api/v1/studies/{mine}", headers=api.headers)
    assert response.json["sent_by"] == "Dr Anna Example"


def test_a_token_opens_no_page(api):
    assert api.client.get("/studies", headers=api.headers).location.startswith("/auth/login")


def test_a_revoked_token_is_401(api):
    assert api.get("/api/v1/tasks").status_code == 200
    tokens.revoke_token(token_id=api.token.id, actor=by(api.user))
    assert_error(api.get("/api/v1/tasks"), 401, "unauthorized")


def test_a_disabled_user_is_401(api):
    api.user.is_enabled = False
    db.session.commit()
    assert_error(api.get("/api/v1/tasks"), 401, "unauthorized")
    assert_error(api.send(JPEG), 401, "unauthorized")
    assert count_studies() == 0


def test_others_find_nothing(app, api, stranger, make_user):
    """Z01: unknown and not-yours look the same."""
    answer = api.send_one()
    paths = (answer["url"], answer["report_url"], answer["images"][0]["heatmap_url"])
    for path in paths:
        theirs = stranger.get(path)
        unknown = stranger.get(path.replace(answer["id"], UNKNOWN))
        assert assert_error(theirs, 404, "not_found") == assert_error(unknown, 404, "not_found")
    assert stranger.get("/api/v1/studies").json["total"] == 0
    assert stranger.get(f"/api/v1/studies?user={api.user.id}").json["total"] == 0
    reviewer = Api(app, make_user("reviewer"))
    for path in paths:
        assert reviewer.get(path).status_code == 200


def test_an_image_is_found_only_under_its_own_study(api):
    first, second = api.send_one(), api.send_one()
    path = first["images"][0]["heatmap_url"].replace(first["id"], second["id"])
    assert_error(api.get(path), 404, "not_found")


def test_a_deleted_study_is_gone(api):
    answer = api.send_one()
    studies.delete_study(study=studies.get_study(answer["id"], api.user), actor=by(api.user))
    for path in (answer["url"], answer["report_url"], answer["images"][0]["heatmap_url"]):
        assert_error(api.get(path), 404, "not_found")
    assert api.get("/api/v1/studies").json["items"] == []


# Errors


def test_unknown_addresses_are_404_in_json(api, client):
    for path in ("/api/", "/api/v1", "/api/v2/tasks", "/api/v1/studies/", "/api/v1/studies/x/y"):
        assert_error(api.get(path), 404, "not_found")
        assert_error(client.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_405(api, method):
    for path in PATHS:
        response = api.client.open(path, method=method, headers=api.headers | {"X-HTTP-Method-Override": "GET"})
        assert_error(response, 405, "method_not_allowed")
        assert "GET" in response.headers["Allow"]


def test_a_fault_of_the_server_is_a_plain_500(app, api, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(studies, "list_studies", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    message = assert_error(api.get("/api/v1/studies"), 500, "server_error")
    assert "secret" not in message


def test_no_foreign_origin_is_let_in(api):
    response = api.client.get("/api/v1/tasks", headers=api.headers | {"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
