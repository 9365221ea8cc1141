import pytest

import models
from app.entities import Analysis, Study
from app.extensions import db
from app.services import studies
from app.services.storage import StorageFailed, file_store
from app.services.studies.files import Upload
from app.services.studies.submit import submit_study
from models import Decision, HeadResult, LabelResult, NetworkVersion, Outcome, Prediction, Reason, ReasonCode
from tests.actors import by
from tests.fakes import SHA256, picture
from tests.sending import stored_files


@pytest.fixture
def receive(networks, make_user):
    """receive(images=2, task="chest"): a study that waits to be analysed."""
    owner = make_user()

    def receive(images: int = 1, task: str = "chest") -> Study:
        uploads = [Upload(f"{number}.jpg", picture(seed=number)) for number in range(images)]
        return submit_study(actor=by(owner), task=task, uploads=uploads).study

    return receive


def answer(task_name: str, outcome: Outcome, probability: float = 0.0) -> Prediction:
    """A prediction of this outcome whose first suitable label leads with `probability`."""
    task = models.get_task(task_name)
    version = NetworkVersion("mobilenet_v2", "1.0.0", SHA256)
    if outcome is Outcome.NOT_ASSESSED:
        return Prediction(task, outcome, Reason(ReasonCode.BLURRED), version)
    lead = next(label for label in task.labels if label.is_finding is (outcome is not Outcome.NO_FINDING))
    lines = tuple(LabelResult(x, probability if x is lead else 0.01, Decision.POSSIBLE) for x in task.labels)
    reason = Reason(ReasonCode.NO_LABEL, {"head": task.primary})
    return Prediction(task, outcome, reason, version, (HeadResult(task.head(task.primary), lines, None, reason),))


def test_stores_the_whole_prediction(receive):
    study = receive(task="fracture")
    studies.analyse_study(study)
    stored = study.images[0].analysis
    task = models.get_task("fracture")
    assert (stored.task, stored.network, stored.weights_version, stored.weights_sha256) == (
        "fracture", "mobilenet_v2", "1.0.0", SHA256,
    )  # fmt: skip
    assert [(f.head, f.label) for f in stored.findings] == [(h.key, x.key) for h in task.heads for x in h.labels]
    fractured, normal = [finding for finding in stored.findings if finding.head == "fractured"]
    assert (fractured.probability, fractured.decision) == (pytest.approx(0.9), "likely")
    assert (normal.probability, normal.decision) == (pytest.approx(0.1), "unlikely")
    assert set(stored.timings_ms) == {"read", "gate", "network"}
    assert stored.mapped_findings == [fractured]
    assert models.decode_saliency(file_store().get(fractured.saliency_name)).max() > 0.9


def test_stores_a_heatmap_for_each_label_that_remains_possible(receive, networks):
    networks.outcome, networks.probability = Outcome.INCONCLUSIVE, 0.6
    study = receive(task="fracture")
    studies.analyse_study(study)
    mapped = study.images[0].analysis.mapped_findings
    assert [(finding.head, finding.label) for finding in mapped] == [
        ("fractured", "fractured"),
        ("fractured", "normal"),
    ]
    assert len({file_store().get(finding.saliency_name) for finding in mapped}) == 2


def test_stores_the_reason_as_a_code_with_values(receive, networks):
    networks.outcome = Outcome.NOT_ASSESSED
    study = receive(task="chest")
    studies.analyse_study(study)
    stored = study.images[0].analysis
    assert (stored.reason_code, stored.reason_values) == ("unexpected_modality", {"expected": "chest_xray"})
    assert stored.reason == ""


def test_stores_the_task_that_the_gate_offers(receive, networks):
    networks.outcome, networks.suggested = Outcome.NOT_ASSESSED, "skin_lesion"
    study = receive()
    studies.analyse_study(study)
    assert study.images[0].analysis.suggested_task == "skin_lesion"


def test_the_network_sees_the_stored_pixels(receive, monkeypatch):
    study, seen = receive(), []
    predict = models.predict
    monkeypatch.setattr(models, "predict", lambda task, *image: seen.append(image[0]) or predict(task, *image))
    studies.analyse_study(study)
    stored = models.decode_image(file_store().get(study.images[0].stored_name)).pixels
    assert (seen[0] == stored).all()


@pytest.mark.parametrize(
    ("answers", "lead"),
    [
        ([(Outcome.NO_FINDING, 0.99), (Outcome.FINDING, 0.6)], 1),
        ([(Outcome.INCONCLUSIVE, 0.5), (Outcome.NO_FINDING, 0.99)], 0),
        ([(Outcome.NOT_ASSESSED, 0), (Outcome.NO_FINDING, 0.8)], 1),
        ([(Outcome.FINDING, 0.7), (Outcome.FINDING, 0.9)], 1),
        ([(Outcome.FINDING, 0.9), (Outcome.FINDING, 0.7)], 0),
        ([(Outcome.NOT_ASSESSED, 0), (Outcome.NOT_ASSESSED, 0)], 0),
    ],
)
def test_the_most_serious_then_most_probable_image_decides(answers, lead, receive, monkeypatch):
    study = receive(images=2)
    given = [answer("chest", *what) for what in answers]
    waiting = iter(given)
    monkeypatch.setattr(models, "predict", lambda *_: next(waiting))
    studies.analyse_study(study)
    assert studies.lead_analysis(study) is study.images[lead].analysis
    assert study.outcome == answers[lead][0]
    expected = given[lead].lead
    assert study.lead_label == (expected.label.key if expected else "")
    assert study.lead_probability == (expected.probability if expected else None)


def test_one_failed_image_does_not_cost_the_others(receive, networks, monkeypatch):
    study, predict = receive(images=2), models.predict

    def fail_first(*_):
        monkeypatch.setattr(models, "predict", predict)
        raise RuntimeError("broken")

    monkeypatch.setattr(models, "predict", fail_first)
    studies.analyse_study(study)
    failed, done = study.images
    assert (failed.status, failed.failure_code, failed.analyses) == ("failed", "crashed", [])
    assert (done.status, done.analysis.outcome) == ("done", "finding")
    assert (study.status, study.outcome, study.lead_label, study.lead_probability) == ("incomplete", "", "", None)
    assert studies.lead_analysis(study) is None


@pytest.mark.parametrize(
    ("failure", "code", "values"),
    [
        (models.NetworkUnavailable("Its graph is damaged."), "network_unavailable", {"task": "chest"}),
        (models.UnreadableImage("It is cut off."), "unreadable", {}),
        (RuntimeError("secret detail"), "crashed", {"error": "RuntimeError"}),
        (MemoryError(), "crashed", {"error": "MemoryError"}),
    ],
)
def test_a_failure_is_stored_with_its_reason(failure, code, values, receive, networks):
    networks.failure = failure
    study = receive()
    studies.analyse_study(study)
    image = study.images[0]
    assert (study.status, study.outcome, image.status, image.analyses) == ("incomplete", "", "failed", [])
    assert (image.failure_code, image.failure_values) == (code, values)
    assert image.failed_at and not image.claim


def test_a_missing_file_is_a_failure_of_its_own(receive):
    study = receive()
    file_store().delete(study.images[0].stored_name)
    studies.analyse_study(study)
    assert study.images[0].failure_code == "file_missing"


def test_a_network_chosen_later_answers_what_is_analysed_again(receive, networks, choose_networks):
    """What it found before keeps the network that found it."""
    networks.failure = models.NetworkUnavailable("It is not compiled.")
    answered, failed = receive(), receive()
    studies.analyse_study(failed)
    networks.failure = None
    studies.analyse_study(answered)
    choose_networks("chest=cnn")
    for study in (answered, failed):
        studies.analyse_study(study)
    assert [run.network for run in answered.images[0].analyses] == ["mobilenet_v2"]
    assert [run.network for run in failed.images[0].analyses] == ["cnn"]


def test_what_failed_can_be_analysed_again(receive, networks):
    networks.failure = RuntimeError("broken")
    study = receive()
    studies.analyse_study(study)
    networks.failure = None
    studies.analyse_study(study)
    image = study.images[0]
    assert (study.status, study.outcome, image.status) == ("done", "finding", "done")
    assert (image.failure_code, image.failure_values, image.failed_at) == ("", {}, None)
    assert [run.outcome for run in image.analyses] == ["finding"]


def test_what_is_settled_is_not_analysed_again(receive, networks):
    study = receive()
    studies.analyse_study(study)
    studies.analyse_study(study)
    assert networks.calls == 1


def test_a_heatmap_that_cannot_be_stored_does_not_cost_the_finding(receive, monkeypatch):
    study = receive()

    def fail(*_args):
        raise StorageFailed

    monkeypatch.setattr("app.services.storage.FileStore.put", fail)
    studies.analyse_study(study)
    assert study.outcome == "finding"
    assert study.images[0].analysis.mapped_findings == []


def test_a_database_that_fails_leaves_no_heatmap(receive, monkeypatch):
    study = receive()
    files = stored_files()

    def fail():
        raise RuntimeError("gone")

    monkeypatch.setattr(db.session, "commit", fail)
    with pytest.raises(RuntimeError, match="gone"):
        studies.analyse_study(study)
    monkeypatch.undo()
    assert stored_files() == files
    assert db.session.query(Analysis).count() == 0


def test_tells_which_tasks_can_be_answered(networks):
    networks.missing = {"brain": "Its graph is damaged."}
    assert [task.name for task in studies.available_tasks()] == ["injury", "skin_lesion", "fracture", "chest"]
    assert studies.unavailable_reasons() == {"brain": "Its graph is damaged."}
    assert len(studies.all_tasks()) == 5
