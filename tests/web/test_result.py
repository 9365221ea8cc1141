"""The result page: the outcome first, then the image, every probability, the network, its limits, what can be done."""

import shutil

import pytest

import models
from app.entities import Analysis, Image, Review, Study, utc_now
from app.extensions import db
from app.services.report.content import RESEARCH_USE
from app.services.studies.state import settle
from models import Outcome
from tests.fakes import ELSEWHERE
from tests.sending import send_study


@pytest.fixture
def study(networks, clinician) -> Study:
    return send_study(clinician, task="fracture", patient_name="Ada Example", patient_reference="R-7", note="a fall")


def page_of(client, study: Study, **args) -> str:
    response = client.get(f"/studies/{study.key}", query_string=args)
    assert response.status_code == 200
    return response.text


def test_tells_the_outcome_in_words_and_every_probability(study, clinician):
    page = page_of(clinician, study)
    assert "<title>Finding: Bone fracture - Lumen</title>" in page
    for head in models.get_task("fracture").heads:
        assert page.count(f">{head.title}</h3>") == 1
        for label in head.labels:
            assert f">{label.name}" in page
    assert page.count('class="bar-fill"') == sum(len(head.labels) for head in models.get_task("fracture").heads)
    assert '<rect class="bar-fill" width="90.00"' in page
    assert "0.90" in page


def test_every_bar_is_marked_with_its_threshold(study, clinician):
    page = page_of(clinician, study)
    count = page.count('class="bar-fill"')
    assert page.count('<line class="bar-mark" x1="50.00"') == count
    assert page.count("<title>Rule-out threshold 0.50</title>") == count
    assert page.count('<span class="visually-hidden">Rule-out threshold 0.50</span>') == count
    assert "Each bar is marked at the rule-out threshold of its label" in page


def test_without_the_card_that_answered_no_bar_is_marked(study, clinician):
    db.session.query(Analysis).one().weights_sha256 = "e" * 64
    db.session.commit()
    page = page_of(clinician, study)
    assert 'class="bar-fill"' in page
    assert "bar-mark" not in page
    assert "Threshold" not in page


def test_what_is_not_excluded_stands_apart_with_its_threshold(networks, clinician):
    study = send_study(clinician, task="chest")
    analysis = db.session.query(Analysis).one()
    decisions = {"normal": "possible", "pneumonia": "unlikely", "tuberculosis": "not_excluded"}
    for finding in analysis.findings:
        finding.decision = decisions[finding.label]
    analysis.outcome = study.outcome = "inconclusive"
    db.session.commit()
    table = page_of(clinician, study).split('<table class="labels">')[1].split("</table>")[0]
    first, apart, last = table.split("<tbody>")[1:]
    assert ">No sign of either<" in first
    assert "Must not be missed, so not excluded even at a low probability" in apart
    assert ">Tuberculosis " in apart
    assert "rule-out threshold 0.50" in apart
    assert " Not excluded</span>" in apart
    assert ">Pneumonia<" in last


def test_tells_of_the_network_its_measures_its_limits_and_its_purpose(study, clinician):
    page = page_of(clinician, study)
    assert "mobilenet_v2, version 1.0.0" in page
    assert "f" * 64 in page
    assert "0.850 to 0.940" in page
    assert "120" in page
    assert models.get_task("fracture").limitations[0] in page
    assert RESEARCH_USE in page


def test_figures_elsewhere_stand_beside_those_at_home(study, networks, clinician):
    page = page_of(clinician, study)
    assert "<caption>Measured performance: at home and elsewhere</caption>" in page
    assert ">At home</th>" in page and ">Elsewhere: not measured yet</th>" in page
    assert "short networks" not in page
    networks.elsewhere = ELSEWHERE
    page = page_of(clinician, study)
    told = page.split(">Elsewhere</th>")[1].split("</table>")[0]
    names = ("Accuracy", "Answered", "Answered and wrong, of all images", "Ill, called clear")
    assert all(f"<td>{name}</td>" in told for name in names)
    assert "0.650 to 0.780" in told and "AUC" not in told
    assert "not measured yet" not in page
    assert "Elsewhere: short networks asked about images of hospitals and collections" in page


def test_tells_of_patient_and_note(study, clinician):
    page = page_of(clinician, study)
    assert "Ada Example" in page
    assert "R-7" in page
    assert "a fall" in page
    assert "Ada" not in page.split("</title>")[0]


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome.NO_FINDING, "No finding"),
        (Outcome.INCONCLUSIVE, "Inconclusive"),
        (Outcome.NOT_ASSESSED, "Not assessed"),
    ],
)
def test_names_the_other_outcomes(outcome, word, networks, clinician):
    networks.outcome = outcome
    page = page_of(clinician, send_study(clinician))
    assert f"<title>{word}: Chest X-ray" in page


def test_shows_each_of_several_images(networks, clinician):
    study = send_study(clinician, images=3)
    page = page_of(clinician, study)
    assert "Image 3 of 3" in page
    for image in study.images:
        assert f"/images/{image.key}/overlay" in page


@pytest.mark.parametrize("view", ["original", "overlay", "heatmap", "edges", "hybrid"])
def test_every_view_is_a_link_without_javascript(view, study, clinician):
    page = page_of(clinician, study, view=view)
    label = "?label=fractured" if view in ("overlay", "heatmap", "hybrid") else ""
    assert f'src="/studies/{study.key}/images/{study.images[0].key}/{view}{label}"' in page


def test_without_javascript_a_link_shows_the_heatmap_of_each_label_that_remains_possible(networks, clinician):
    networks.outcome, networks.probability = Outcome.INCONCLUSIVE, 0.6
    study = send_study(clinician, task="fracture")
    base = f"/studies/{study.key}/images/{study.images[0].key}/hybrid?label="
    for asked, shown, name in (
        ("", "fractured", "Fractured"),
        ("normal", "normal", "No fracture seen"),
        ("part", "fractured", "Fractured"),
    ):
        page = page_of(clinician, study, view="hybrid", label=asked)
        assert f'src="{base}{shown}"' in page
        assert f'data-label="{shown}" aria-current="true">{name}</a>' in page
        assert f'the regions contributing most to “<span class="heatmap-name">{name}</span>”' in page
        assert page.count("data-label=") == 2


def test_one_heatmap_leaves_nothing_to_choose(study, clinician):
    page = page_of(clinician, study)
    assert "data-label=" not in page
    assert '“<span class="heatmap-name">Fractured</span>”' in page


def test_a_question_that_depends_on_another_answer_stands_only_where_it_makes_sense(networks, clinician):
    degree = models.get_task("injury").head("burn_degree")
    page = page_of(clinician, send_study(clinician, task="injury"))
    assert page.index(">Injury</h3>") < page.index(f">{degree.title}</h3>") < page.index(degree.note)
    assert "Wound type" not in page
    networks.outcome = Outcome.NO_FINDING
    assert degree.title not in page_of(clinician, send_study(clinician, task="injury"))


def test_an_unknown_view_shows_the_usual_one(study, clinician):
    assert f"{study.images[0].key}/overlay" in page_of(clinician, study, view="../../x")


def test_offers_only_views_that_there_are(networks, clinician):
    networks.outcome = Outcome.NOT_ASSESSED
    page = page_of(clinician, send_study(clinician), view="overlay")
    assert "/edges" in page
    assert "/overlay" not in page


def test_a_failed_analysis_is_told_and_can_be_repeated(networks, clinician):
    networks.failure = models.NetworkUnavailable("The network is not there.")
    study = send_study(clinician)
    page = page_of(clinician, study)
    assert "Incomplete: Chest X-ray" in page
    assert "The image could not be analysed: there is no result" in page
    assert "The network for Chest X-ray is not available now." in page
    networks.failure = None
    assert clinician.post(f"/studies/{study.key}/analyse").status_code == 303
    assert "Finding: Chest X-ray" in page_of(clinician, study)
    assert db.session.query(Analysis).count() == 1


def test_an_unexpected_failure_is_logged_but_not_shown(networks, clinician, caplog):
    networks.failure = RuntimeError("tensor arena at 0x7f00")
    page = page_of(clinician, send_study(clinician))
    assert "0x7f00" not in page
    assert "0x7f00" in caplog.text


def test_a_study_whose_analysis_was_interrupted_says_so(study, clinician):
    db.session.query(Image).update({"status": "running"})
    settle(study.images[0].id)
    db.session.commit()
    page = page_of(clinician, study)
    assert "Being analysed: Bone fracture" in page
    assert "Try again" in page


def test_a_settled_study_is_not_analysed_again(study, clinician, networks):
    clinician.post(f"/studies/{study.key}/analyse")
    assert networks.calls == 1


def test_renders_though_its_files_are_missing(study, clinician, app):
    shutil.rmtree(app.config["FILES_ROOT"])
    assert "Finding: Bone fracture" in page_of(clinician, study)


@pytest.mark.parametrize("path", ["", "/delete", "/review", "/analyse", "/analyse-as/chest", "/reports"])
def test_the_study_of_another_user_does_not_exist(path, study, sign_in):
    stranger = sign_in()
    own = stranger.get(f"/studies/{study.key}") if not path else stranger.post(f"/studies/{study.key}{path}")
    unknown = stranger.get("/studies/" + "0" * 32) if not path else stranger.post(f"/studies/{'0' * 32}{path}")
    assert own.status_code == unknown.status_code == 404
    # Apart from what the session gives each page, the two answers are the same.
    assert len(own.text) == len(unknown.text)
    assert db.session.query(Study).one().deleted_at is None


def test_nobody_signed_in_is_sent_to_the_login(study, client):
    response = client.get(f"/studies/{study.key}")
    assert response.status_code == 302
    assert "/auth/login" in response.location


# Another task


@pytest.fixture
def refused(networks, clinician) -> Study:
    """A study for the chest whose image looks like one of the skin."""
    networks.outcome, networks.suggested = Outcome.NOT_ASSESSED, "skin_lesion"
    study = send_study(clinician, patient_name="Ada Example", patient_reference="R-7", note="a fall")
    networks.outcome = Outcome.FINDING
    return study


def test_a_refused_image_is_analysed_for_the_task_that_fits_it(refused, clinician):
    assert "Analyse as Skin lesion" in page_of(clinician, refused)
    response = clinician.post(f"/studies/{refused.key}/analyse-as/skin_lesion")
    assert response.status_code == 303
    copy = clinician.get(response.location).text
    for words in ("Finding: Skin lesion", "Ada Example", "R-7", "a fall", f'<a href="/studies/{refused.key}">'):
        assert words in copy
    page = page_of(clinician, refused)
    assert f'<a href="{response.location}">Skin lesion</a>' in page
    assert "Analyse as" not in page


def test_a_task_that_is_not_available_is_not_offered(refused, networks, clinician):
    networks.missing = {"skin_lesion": "Its graph is damaged."}
    assert "Analyse as" not in page_of(clinician, refused)
    assert clinician.post(f"/studies/{refused.key}/analyse-as/skin_lesion").status_code == 503


def test_only_what_the_gate_offered_is_done_and_only_with_a_token(refused, study, clinician):
    assert clinician.post(f"/studies/{refused.key}/analyse-as/brain").status_code == 422
    assert clinician.post(f"/studies/{study.key}/analyse-as/chest").status_code == 422
    assert clinician.post(f"/studies/{refused.key}/analyse-as/skin_lesion", csrf=False).status_code == 400
    assert db.session.query(Study).count() == 2


# Delete


def test_the_owner_deletes_a_study(study, clinician):
    assert clinician.post(f"/studies/{study.key}/delete").status_code == 303
    deleted = db.session.query(Study).one()
    assert deleted.deleted_by_id == clinician.user.id
    assert (utc_now() - deleted.deleted_at).total_seconds() < 60
    image = deleted.images[0]
    for path in ("", f"/images/{image.key}/original"):
        assert clinician.get(f"/studies/{study.key}{path}").status_code == 404
    assert "Ada Example" not in clinician.get("/studies").text
    assert "Ada Example" not in clinician.get("/studies.csv").text


def test_a_reviewer_sees_but_does_not_delete(study, reviewer):
    assert "Delete study" not in page_of(reviewer, study)
    assert reviewer.post(f"/studies/{study.key}/delete").status_code == 403
    assert db.session.query(Study).one().deleted_at is None


def test_an_admin_deletes(study, admin):
    assert admin.post(f"/studies/{study.key}/delete").status_code == 303


def test_deleting_needs_a_token(study, clinician):
    assert clinician.post(f"/studies/{study.key}/delete", csrf=False).status_code == 400
    assert db.session.query(Study).one().deleted_at is None


# Reviews


def test_a_reviewer_agrees(study, reviewer, clinician):
    assert reviewer.post(f"/studies/{study.key}/review", data={"agrees": "yes"}).status_code == 303
    assert f"{reviewer.user.name} agrees" in page_of(clinician, study)


def test_a_reviewer_disagrees_with_the_right_answer(study, reviewer, clinician):
    data = {"agrees": "no", "correct_label": "normal", "comment": "Growth plate.\nNo step."}
    assert reviewer.post(f"/studies/{study.key}/review", data=data).status_code == 303
    page = page_of(clinician, study)
    assert f"{reviewer.user.name} disagrees" in page
    assert "No fracture seen" in page
    assert "Growth plate." in page
    assert db.session.query(Study).one().outcome == "finding"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose whether you agree."),
        ({"agrees": "maybe"}, "Not a valid choice"),
        ({"agrees": "no"}, "Choose the correct label, or say"),
        ({"agrees": "no", "correct_label": "fractured"}, "This is the label that the network gave."),
        ({"agrees": "no", "correct_label": "glioma"}, "Choose one of the labels offered."),
        ({"agrees": "yes", "correct_label": "normal"}, "only if you disagree"),
        ({"agrees": "no", "comment": "x" * 2001}, "longer than 2,000 characters"),
    ],
)
def test_reviews_that_contradict_themselves_are_422_and_kept_in_the_form(data, words, study, reviewer):
    response = reviewer.post(f"/studies/{study.key}/review", data=data)
    assert response.status_code == 422
    assert words in response.text
    assert db.session.query(Review).count() == 0


def test_a_clinician_does_not_review(study, clinician):
    assert "Save review" not in page_of(clinician, study)
    assert clinician.post(f"/studies/{study.key}/review", data={"agrees": "yes"}).status_code == 403
    assert db.session.query(Review).count() == 0


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 73471*61837 }}", "${73471*61837}"]
)
def test_words_of_users_are_only_words(words, networks, clinician, reviewer):
    """J02, J03"""
    study = send_study(clinician, patient_name=words, patient_reference=words, note=words)
    reviewer.post(f"/studies/{study.key}/review", data={"agrees": "yes", "comment": words})
    page = page_of(clinician, study)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert str(73471 * 61837) not in page


def test_makes_and_lists_reports(study, clinician):
    assert clinician.post(f"/studies/{study.key}/reports").status_code == 303
    page = page_of(clinician, study)
    assert f"/reports/{db.session.query(Study).one().reports[0].key}.pdf" in page
