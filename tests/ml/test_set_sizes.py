"""Coverage and size of prediction sets before and after closing them upwards."""

import json

import numpy as np
import pytest

import models
from models.training import set_sizes
from models.training.predictions import write_predictions
from models.training.set_sizes import Answers
from tests.ml.scored import CARD, STATE, image_score

CHEST = models.get_task("chest")
HEAD = CHEST.head("chest")


def test_sets_are_counted_by_hand():
    """Out of order are the second image, whose set gains two labels, and the third, where sick is not excluded."""
    thresholds = {"sick": 0.1, "sicker": 0.3, "well": 0.5}
    card = models.HeadCard(1.0, thresholds, CARD.operating_points | {"balanced": dict.fromkeys(thresholds, 0.2)})
    probabilities = np.array([[0.8, 0.1, 0.1], [0.25, 0.29, 0.46], [0.15, 0.25, 0.6], [0.05, 0.2, 0.75]])
    found = set_sizes.set_sizes(STATE, card, Answers(np.array([0, 2, 1, 2]), probabilities))
    assert found.n == 4
    assert found.coverage == (0.5, 0.75)  # sick; (sick); sick and well; well
    assert found.size == (5 / 4, 7 / 4)
    assert found.not_excluded == 1 / 4
    assert found.out_of_order == 2 / 4


def stored(tmp_path, **changes):
    probabilities = np.random.default_rng(1).dirichlet(np.full(3, 0.4), 40)
    fitted = models.get_card(CHEST).heads[HEAD.key]
    images = [image_score(n % 3, list(p), n, head=HEAD, fitted=fitted) for n, p in enumerate(probabilities)]
    path = tmp_path / "answers.json"
    write_predictions(path, CHEST, images, "val")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_a_table_is_made_of_the_answers_of_a_file(tmp_path, capsys):
    set_sizes.main(["chest", "--predictions", str(stored(tmp_path))])
    header, rule, row = capsys.readouterr().out.splitlines()
    assert header.count("|") == rule.count("|") == row.count("|")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:2] == [HEAD.title, "40"]
    before, after, size_before, size_after, *_ = map(float, cells[2:])
    assert before <= after <= 1
    assert size_before < size_after <= 3


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"task": "brain"}])
def test_answers_of_another_network_are_refused(tmp_path, changes):
    with pytest.raises(SystemExit, match="another network"):
        set_sizes.main(["chest", "--predictions", str(stored(tmp_path, **changes))])
