"""The pictures of an evaluation: there, readable as pictures, and never inside the repository."""

import csv

import pytest
from PIL import Image

import models
from models.training.outside import ROOT, InsideRepository
from models.training.plots import draw_confusion, draw_roc, draw_scores, draw_training_curves, draw_worst_errors
from tests.ml.scored import image_score, six_images, six_scores

KINDS = ("confusion", "precision_recall", "reliability", "risk_coverage", "roc", "worst_errors")


def made_up_task(head: models.Head) -> models.Task:
    return models.Task(
        name="made_up",
        title="Made up",
        question="?",
        image_kind="",
        modality=models.Modality.BONE_XRAY,
        default_network="cnn",
        heads=(head,),
        primary=head.key,
        intended_use="",
        limitations=(),
    )


def test_every_kind_of_picture_is_drawn(tmp_path):
    scores = six_scores()
    files = draw_scores(made_up_task(scores.head), six_images(), tmp_path / "plots")
    assert sorted(path.name for path in files) == [f"state_{kind}.png" for kind in KINDS]
    for path in files:
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 200


def test_patients_pictures_stay_out_of_the_repository():
    folder = ROOT / "tests" / "plots"
    with pytest.raises(InsideRepository, match="no patient's picture"):
        draw_scores(made_up_task(six_scores().head), six_images(), folder)
    assert not folder.exists()


def test_the_confusion_matrix_counts_every_image():
    counts = [int(text.get_text()) for text in draw_confusion(six_scores()).axes[0].texts]
    assert sum(counts) == 6
    assert len(counts) == 5, "a count for each pair of labels that occurs"


def test_the_curves_name_labels_and_areas():
    labels = [text.get_text() for text in draw_roc(six_scores()).axes[0].get_legend().get_texts()]
    assert [label.split(",")[0] for label in labels] == ["Sick", "Sicker", "Well"]
    assert labels[0] == "Sick, AUC 0.625"


def test_labels_that_all_images_have_draw_no_curve():
    from models.training.scoring import head_scores

    scores = head_scores(six_scores().head, [image_score(0, [0.8, 0.1, 0.1], number) for number in range(3)])
    assert draw_roc(scores).axes[0].get_legend() is None


def test_the_contact_sheet_begins_with_the_worst_error():
    titles = [axes.get_title() for axes in draw_worst_errors(six_scores()).axes]
    assert titles[0] == "well (0.00)\ntaken for sick (0.90)\nanswered"
    assert titles[1] == "sick (0.26)\ntaken for well (0.70)\nanswered"
    assert not any(titles[2:])


def test_training_curves_show_what_was_logged(tmp_path):
    rows = [{"epoch": epoch, "loss": 1 / (epoch + 1), "accuracy": 0.5, "val_score": 0.6} for epoch in range(3)]
    with (tmp_path / "epochs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    draw_training_curves(tmp_path / "epochs.csv", tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 2 * picture.height, "three panels"
