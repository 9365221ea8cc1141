"""Which source an image came from, told by the network's own features: what it knows and need not know.

A linear probe (Alain and Bengio, 2016, arXiv:1610.01644) for labels of no clinical meaning. Over all images sources
differ for good reasons, too, since they hold different labels; within one label only their origin tells them apart.
"""

from collections import Counter

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.audit import Probe, SourceProbes
from models.training.answers import Answers

SEED = 20261120
FOLDS = 5
# A source with fewer groups is too small to be told from others.
FEWEST = 10


def source_classifier(
    column: str, features: np.ndarray, sources: np.ndarray, groups: np.ndarray, labels: np.ndarray, names: list[str]
) -> SourceProbes:
    """Probes over all images and within each label: features [n, c]; the others [n], `labels` indexing `names`.

    `column`: of the manifest, from which the sources are.
    """
    within = {
        name: probe(features[labels == index], sources[labels == index], groups[labels == index])
        for index, name in enumerate(names)
    }
    return SourceProbes(
        column=column,
        overall=probe(features, sources, groups),
        labels={name: one for name, one in within.items() if one},
    )


def probe(features: np.ndarray, sources: np.ndarray, groups: np.ndarray) -> Probe | None:
    """How well logistic regression tells the sources apart, cross-validated with groups kept whole.

    None where fewer than two sources are large enough.
    """
    sizes = {name: len(np.unique(groups[sources == name])) for name in np.unique(sources)}
    kept = np.isin(sources, [name for name, size in sizes.items() if size >= FEWEST])
    features, sources, groups = features[kept], sources[kept], groups[kept]
    names, truth = np.unique(sources, return_inverse=True)
    if len(names) < 2:
        return None
    # More features than images: strong shrinkage, the same for every network, rather than one chosen by the result.
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    probabilities = cross_val_predict(classifier, features, truth, groups=groups, cv=folds, method="predict_proba")
    answers = Answers(probabilities, truth, groups)
    return Probe(
        chance=answers.chance,
        sources=dict(sorted(Counter(sources.tolist()).items())),
        measures=answers.measures(),
    )
