"""What a report says of stored rows, and how reports are issued."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

import models
from app import wording
from app.entities import Analysis, AuditEvent, Finding, Report, utc_now
from app.errors import NotFound
from app.extensions import db
from app.services import settings, studies
from app.services.report import DamagedReport, current_report, get_report, issue_report, read_report
from app.services.report.compose import build_report
from app.services.report.content import LabelLine
from app.services.storage import StorageFailed, file_store
from tests.actors import by
from tests.fakes import ELSEWHERE, SHA256, picture

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture
def owner(make_user):
    return make_user(name="Dr Anna Example")


@pytest.fixture
def make_study(owner):
    """make_study(task, count): a stored study of that many images, analysed by the networks in force."""

    def make_study(task: str = "skin_lesion", count: int = 1, **fields):
        uploads = [studies.Upload(f"image{number}.jpg", picture(seed=number)) for number in range(count)]
        study, _ = studies.submit_study(actor=by(owner), task=task, uploads=uploads, **fields)
        studies.analyse_study(study)
        return studies.get_study(study.key, owner)

    return make_study


def line(name: str, probability: float, decision: str) -> LabelLine:
    return LabelLine(name.lower(), name, "", probability, decision)


def store_answers(study, task: str, outcome: str, answers: list[tuple[str, str, float, str]], **facts) -> None:
    """Give the study's image the analysis that these (head, label, probability, decision) make."""
    findings = [Finding(head=h, label=label, probability=p, decision=d) for h, label, p, d in answers]
    lead = max((finding for finding in findings), key=lambda finding: finding.probability, default=None)
    row = Analysis(
        image_id=study.images[0].id,
        task=task,
        network="mobilenet_v2",
        weights_version="1.0.0",
        weights_sha256=SHA256,
        outcome=outcome,
        lead_label=facts.pop("lead_label", lead.label if lead else ""),
        findings=findings,
        **facts,
    )
    db.session.add(row)
    study.task = task
    study.outcome = outcome
    db.session.commit()


# Words


def test_a_finding_is_said_with_its_probability(make_study):
    content = build_report(make_study())
    assert content.headline == "Likely actinic keratosis or Bowen's disease (probability 0.90)"
    assert content.outcome == "finding"
    assert content.images[0].headline == content.headline
    assert [heatmap.name for heatmap in content.images[0].heatmaps] == ["Actinic keratosis or Bowen's disease"]
    assert content.sent_by == "Dr Anna Example"
    assert content.limitations == models.get_task("skin_lesion").limitations


def test_labels_stand_with_the_most_probable_first(make_study):
    lines = build_report(make_study()).images[0].sections[0].lines
    assert [item.probability for item in lines] == sorted((item.probability for item in lines), reverse=True)
    assert sum(item.probability for item in lines) == pytest.approx(1)


def test_no_finding_is_said_by_the_label(make_study, networks):
    networks.outcome = models.Outcome.NO_FINDING
    assert build_report(make_study("chest")).headline == "No sign of either (probability 0.90)"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            [line("Melanoma", 0.48, "possible"), line("Nevus", 0.41, "possible"), line("Other", 0.11, "unlikely")],
            "Melanoma (0.48) and nevus (0.41) remain possible",
        ),
        ([line("Melanoma", 0.48, "possible")], "Melanoma (0.48) remains possible"),
        (
            [line("Nevus", 0.69, "possible"), line("Other", 0.2, "unlikely"), line("Melanoma", 0.09, "not_excluded")],
            "Nevus (0.69) remains possible; melanoma is not excluded (0.09)",
        ),
        (
            [line("Nevus", 0.5, "possible"), line("Other", 0.3, "possible"), line("Melanoma", 0.09, "not_excluded")],
            "Nevus (0.50) and other (0.30) remain possible; melanoma is not excluded (0.09)",
        ),
        (
            [line("A", 0.8, "possible"), line("Melanoma", 0.1, "not_excluded"), line("Cyst", 0.1, "not_excluded")],
            "A (0.80) remains possible; melanoma and cyst are not excluded (0.10 and 0.10)",
        ),
        (
            [line("Melanoma", 0.3, "unlikely"), line("Nevus", 0.2, "unlikely")],
            "No answer is likely; the most probable is melanoma (0.30)",
        ),
    ],
)
def test_inconclusive_names_what_remains_possible(lines, sentence):
    assert wording.answer("inconclusive", lines) == sentence


def test_the_decided_label_is_named_even_if_another_is_more_probable():
    lines = [line("Nevus", 0.55, "unlikely"), line("Melanoma", 0.35, "likely")]
    assert wording.answer("finding", lines) == "Likely melanoma (probability 0.35)"


@pytest.mark.parametrize(
    ("probability", "words"), [(0.0, "<0.01"), (0.0099, "<0.01"), (0.5, "0.50"), (0.995, ">0.99"), (1.0, ">0.99")]
)
def test_no_probability_is_said_to_be_certain(probability, words):
    assert wording.number(probability) == words


# Tuberculosis must not be missed: it is kept, and the more probable pneumonia is not.
KEPT = [
    ("chest", "normal", 0.7, "possible"),
    ("chest", "pneumonia", 0.21, "unlikely"),
    ("chest", "tuberculosis", 0.09, "not_excluded"),
]


def test_what_is_not_excluded_stands_under_what_is_possible(make_study):
    study = make_study("chest")
    store_answers(study, "chest", "inconclusive", KEPT)
    content = build_report(study)
    assert content.headline == "No sign of either (0.70) remains possible; tuberculosis is not excluded (0.09)"
    section = content.images[0].primary
    assert section.reason == "Not decided: no sign of either remains possible; tuberculosis is not excluded."
    assert [item.key for item in section.lines] == ["normal", "pneumonia", "tuberculosis"]
    assert [[item.key for item in group] for group in section.groups] == [["normal"], ["tuberculosis"], ["pneumonia"]]


def test_rows_of_older_versions_keep_their_order_and_words(make_study):
    study = make_study("chest")
    answers = [("chest", key, p, "possible" if key == "tuberculosis" else d) for _, key, p, d in KEPT]
    store_answers(study, "chest", "inconclusive", answers, reason="The network cannot choose.")
    content = build_report(study)
    assert content.headline == "No sign of either (0.70) and tuberculosis (0.09) remain possible"
    assert content.reason == "The network cannot choose."
    assert (content.images[0].reason_code, content.images[0].reason_values) == ("", {})
    assert [item.key for item in content.images[0].primary.groups[0]] == ["normal", "pneumonia", "tuberculosis"]


def test_a_stored_code_is_said_in_words(make_study):
    study = make_study("chest")
    analysis = study.images[0].analysis
    analysis.reason_code, analysis.reason_values = "one_label", {"head": "chest", "label": "pneumonia"}
    content = build_report(study)
    assert content.reason == content.images[0].reason == "Only pneumonia reaches its threshold."
    assert content.images[0].reason_code == "one_label"
    assert content.images[0].reason_values == {"head": "chest", "label": "pneumonia"}


def test_a_code_of_a_later_version_leaves_the_stored_words(make_study):
    analysis = (study := make_study("chest")).images[0].analysis
    analysis.reason, analysis.reason_code, analysis.reason_values = "As stored.", "unheard_of", {}
    assert build_report(study).reason == "As stored."


def test_each_label_has_its_threshold_where_the_card_that_answered_is_at_hand(make_study, networks):
    study = make_study("fracture", count=2)
    sections = [section for image in build_report(study).images for section in image.sections]
    assert {item.threshold for section in sections for item in section.lines} == {0.5}
    assert all(section.has_thresholds for section in sections)
    study.images[1].analysis.weights_sha256 = "e" * 64
    db.session.commit()
    first, second = build_report(study).images
    assert first.primary.has_thresholds
    assert not second.primary.has_thresholds
    assert second.primary.lines[0].threshold is None


def test_a_fracture_is_told_as_a_clinician_thinks(make_study):
    study = make_study("fracture")
    answers = [
        ("part", "hand", 0.98, "likely"),
        ("part", "wrist", 0.02, "unlikely"),
        ("fractured", "fractured", 0.87, "likely"),
        ("fractured", "normal", 0.13, "unlikely"),
        ("type", "oblique", 0.6, "likely"),
        ("type", "spiral", 0.4, "unlikely"),
    ]
    store_answers(study, "fracture", "finding", answers, lead_label="fractured")
    content = build_report(study)
    assert content.headline == "X-ray of the hand (0.98). Likely fractured (probability 0.87)"
    assert [section.key for section in content.images[0].sections] == ["fractured", "part", "type"]
    assert content.images[0].sections[0].is_primary
    assert [(step.question, step.answer) for step in content.images[0].steps] == [
        ("Type of image", "a bone X-ray"),
        ("Body part", "hand (0.98)"),
        ("Fracture", "fractured (0.87, high-sensitivity threshold)"),
        ("Fracture type", "oblique (0.60)"),
    ]


def test_steps_end_where_the_questions_end(make_study):
    """Without a fracture no type is told; what is uncertain is called so, with three names at most."""
    study = make_study("fracture")
    answers = [
        *(("part", part, 0.25, "possible") for part in ("hand", "wrist", "finger", "elbow")),
        ("fractured", "normal", 0.97, "likely"),
        ("fractured", "fractured", 0.03, "unlikely"),
    ]
    store_answers(study, "fracture", "no_finding", answers, lead_label="normal")
    steps = build_report(study).images[0].steps
    assert [step.answer for step in steps] == [
        "a bone X-ray",
        "uncertain: hand (0.25), wrist (0.25) or finger (0.25)",
        "no fracture seen (0.97)",
    ]


def test_a_single_question_needs_no_steps(make_study):
    assert build_report(make_study("chest")).images[0].steps == ()


def test_an_uncertain_body_part_is_called_so(make_study):
    study = make_study("fracture")
    answers = [
        ("part", "hand", 0.5, "possible"),
        ("part", "wrist", 0.5, "possible"),
        ("fractured", "fractured", 0.1, "unlikely"),
        ("fractured", "normal", 0.9, "likely"),
    ]
    store_answers(study, "fracture", "no_finding", answers, lead_label="normal")
    assert build_report(study).headline == "X-ray of the hand (0.50, uncertain). No fracture seen (probability 0.90)"


def test_not_assessed_gives_the_reason_and_no_probability(make_study, networks):
    networks.outcome = models.Outcome.NOT_ASSESSED
    content = build_report(make_study("chest"))
    assert content.headline == "Not assessed: no finding is given for this image"
    assert content.reason.startswith("This does not look like")
    assert content.images[0].sections == ()
    assert content.images[0].heatmaps == ()


def test_failed_gives_the_reason(make_study, networks):
    networks.failure = models.NetworkUnavailable("The network of Chest X-ray is not installed.")
    content = build_report(make_study("chest"))
    assert content.headline == "The image could not be analysed: there is no result"
    assert content.reason.startswith("The network for Chest X-ray is not available now. Try again later")
    assert content.network.sha256 == SHA256  # the one that would have answered


def test_a_study_that_waits_is_not_analysed_yet(owner):
    study, _ = studies.submit_study(actor=by(owner), task="chest", uploads=[studies.Upload("a.jpg", picture())])
    content = build_report(study)
    assert (content.status, content.outcome) == ("waiting", "")
    assert (content.headline, content.lead_image) == ("Not analysed yet", None)


def test_of_several_images_the_deciding_one_is_named(make_study, networks):
    study = make_study(count=3)
    study.images[1].analyses[0].lead_probability = 0.95
    db.session.commit()
    content = build_report(study)
    assert content.headline.startswith("Image 2 of 3: Likely ")
    assert content.lead_image is content.images[1]


def test_measures_are_shown_for_the_head_and_the_answer(make_study):
    network = build_report(make_study()).network
    assert [(m.name, m.value, m.low, m.high, m.n) for m in network.measures] == [("Accuracy", 0.9, 0.85, 0.94, 120)]
    assert network.label == "Actinic keratosis or Bowen's disease"
    assert [(m.name, m.value, m.n) for m in network.label_measures] == [("Sensitivity", 0.8, 60)]
    assert network.trained_on == models.get_card(models.get_task("skin_lesion")).trained_on


def test_what_was_measured_elsewhere_stands_beside_it(make_study, networks):
    study = make_study()
    assert build_report(study).network.elsewhere == ()
    networks.elsewhere = ELSEWHERE
    network = build_report(study).network
    assert [m.name for m in network.measures] == ["Accuracy"]
    assert [(m.name, m.value, m.low, m.high, m.n) for m in network.elsewhere] == [
        ("Accuracy", 0.72, 0.65, 0.78, 512),
        ("Answered", 0.31, 0.25, 0.37, 512),
        ("Answered and wrong, of all images", 0.027, 0.013, 0.044, 512),
        ("Ill, called clear", 0.014, 0.0, 0.042, 71),
    ]


def test_measures_of_other_weights_are_not_shown(make_study, networks):
    networks.elsewhere = ELSEWHERE
    study = make_study()
    study.images[0].analysis.weights_sha256 = "0" * 64
    db.session.commit()
    network = build_report(study).network
    assert network.sha256 == "0" * 64
    assert network.measures == network.elsewhere == ()
    assert "no longer available" in network.note


def test_measures_are_those_of_the_network_that_answered(make_study, networks, choose_networks, monkeypatch):
    """Another one serves by now, and both are registered."""
    study = make_study("chest")
    networks.registered["chest"] = ("cnn", "mobilenet_v2")
    choose_networks("chest=cnn")
    hashes = {"cnn": "0" * 64, "mobilenet_v2": SHA256}

    def get_card(task: models.Task, network: models.NetworkId | None = None) -> models.Card:
        card = networks.get_card(task, network)
        return replace(card, sha256=hashes[card.network])

    monkeypatch.setattr(models, "get_card", get_card)
    network = build_report(study).network
    assert (network.name, network.sha256, network.note) == ("mobilenet_v2", SHA256, "")
    assert network.measures
    networks.registered["chest"] = ("cnn",)
    network = build_report(study).network
    assert (network.name, network.sha256, network.measures) == ("mobilenet_v2", SHA256, ())
    assert "no longer available" in network.note


def test_stored_facts_render_without_task_and_network(make_study, networks):
    study = make_study("brain")
    networks.missing["brain"] = "Gone."
    assert build_report(study).network.version == "1.0.0"
    study.task = "task_of_the_past"
    db.session.commit()
    content = build_report(study)
    assert content.task_title == "Task of the past"
    assert content.headline == "Likely glioma (probability 0.90)"
    assert content.images[0].sections[0].is_primary
    assert content.network.sha256 == SHA256
    assert content.limitations == ()


def test_reviews_are_told_with_the_name_of_the_label(make_study, make_user):
    study = make_study("brain")
    reviewer = make_user("reviewer", name="Prof Reviewer")
    studies.record_review(study=study, agrees=False, correct_label="meningioma", comment="Dural.", actor=by(reviewer))
    db.session.expire_all()
    (review,) = build_report(study).reviews
    assert (review.reviewer, review.agrees, review.correct_label) == ("Prof Reviewer", False, "Meningioma")


@pytest.mark.parametrize("outcome", ["finding", "no_finding", "inconclusive"])
def test_a_probability_is_never_called_confidence_or_accuracy(outcome):
    for lines in ([line("A", 0.7, "likely"), line("B", 0.3, "unlikely")], [line("A", 0.5, "possible")]):
        words = f"{wording.answer(outcome, lines)} {wording.decision(lines)}".lower()
        assert "confiden" not in words
        assert "accura" not in words


# Issuing


def test_issue_stores_file_row_and_audit_event(make_study, owner):
    study = make_study()
    report = issue_report(study=study, actor=by(owner, "192.0.2.1"))
    data = file_store().get(report.stored_name)
    assert data.startswith(b"%PDF-")
    assert report.sha256 == hashlib.sha256(data).hexdigest()
    assert report.byte_size == len(data)
    event = db.session.scalar(select(AuditEvent).where(AuditEvent.action == "report.issue"))
    assert (event.user_id, event.object_key, event.detail, event.address) == (
        owner.id, report.key, study.key, "192.0.2.1",
    )  # fmt: skip
    assert read_report(report) == data


def test_issue_leaves_nothing_behind_when_the_row_cannot_be_written(app, make_study, owner, monkeypatch):
    study = make_study()
    before = set(Path(app.config["FILES_ROOT"]).rglob("*.*"))

    def fail() -> None:
        raise RuntimeError("the database has gone")

    monkeypatch.setattr(db.session, "commit", fail)
    with pytest.raises(RuntimeError, match="gone"):
        issue_report(study=study, actor=by(owner))
    assert set(Path(app.config["FILES_ROOT"]).rglob("*.*")) == before
    assert db.session.scalar(select(func.count(Report.id))) == 0


def test_issue_writes_no_row_when_the_disk_is_full(app, make_study, owner, monkeypatch):
    study = make_study()

    def refuse(_store, _data, _suffix):
        raise StorageFailed

    monkeypatch.setattr("app.services.storage.FileStore.put", refuse)
    with pytest.raises(StorageFailed):
        issue_report(study=study, actor=by(owner))
    assert db.session.scalar(select(func.count(Report.id))) == 0


def test_a_report_without_its_image_file_says_so(make_study, owner):
    study = make_study(count=2)
    file_store().delete(study.images[0].stored_name)
    file_store().delete(study.images[1].analysis.mapped_findings[0].saliency_name)
    assert read_report(issue_report(study=study, actor=by(owner))).startswith(b"%PDF-")


def test_the_current_report_is_made_once_until_a_review_comes(make_study, make_user, owner):
    study = make_study("brain")
    first = current_report(study=study, actor=by(owner))
    db.session.expire_all()
    assert current_report(study=study, actor=by(owner)).key == first.key
    studies.record_review(study=study, agrees=True, correct_label="", comment="", actor=by(make_user("reviewer")))
    db.session.expire_all()
    assert current_report(study=study, actor=by(owner)).key != first.key


def test_reports_follow_the_rights_of_their_study(make_study, make_user, owner):
    study = make_study()
    report = issue_report(study=study, actor=by(owner))
    assert get_report(report.key, owner).key == report.key
    assert get_report(report.key, make_user("reviewer")).key == report.key
    with pytest.raises(NotFound):
        get_report(report.key, make_user())
    with pytest.raises(NotFound):
        get_report("0" * 32, owner)
    study.deleted_at = utc_now() + timedelta(seconds=1)
    db.session.commit()
    with pytest.raises(NotFound):
        get_report(report.key, owner)


@pytest.mark.parametrize("harm", ["change", "delete"])
def test_a_damaged_file_is_never_given_out(app, make_study, owner, harm):
    report = issue_report(study=make_study(), actor=by(owner))
    path = Path(app.config["FILES_ROOT"]) / report.stored_name
    if harm == "change":
        path.write_bytes(path.read_bytes().replace(b"Melanoma", b"Nevus   ") + b"%")
    else:
        path.unlink()
    with pytest.raises(DamagedReport):
        read_report(report)


def test_the_institution_comes_from_the_settings(make_study, make_user):
    settings.set_setting(name="institution", value="St Example", actor=by(make_user("admin")))
    assert build_report(make_study()).institution == "St Example"
