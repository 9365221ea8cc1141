"""Fills an empty database with synthetic studies: python -m bench.rows --rows 1000000 --database URL

The same numbers give the same rows. People, words and probabilities are drawn: nothing is real, and there are no files.
"""

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, func, inspect, select

import models
from app import create_app
from app.entities import Analysis, AuditEvent, Finding, Image, Review, ReviewState, Role, SearchTerm, Study, User
from app.extensions import db
from app.services.accounts import passwords
from app.services.studies import search
from config import Testing

ADMIN, REVIEWER, CLINICIAN = "admin@bench.invalid", "reviewer@bench.invalid", "clinician@bench.invalid"
PASSWORD = "for measuring only"
SINCE, SPAN = np.datetime64("2024-07-01", "us"), np.timedelta64(730, "D").astype("m8[us]")
PORTION = 5000  # studies that are drawn and committed together

GIVEN_NAMES = """
    Ada Amélie Anna Ben Björn Chen Clara David Elif Emma Fatima Finn Grace Hanna Ida Ivan Jan Jonas José Karl Lea Leon
    Lina Luca Maja Maria Max Mehmet Mia Mohamed Nina Noah Olga Omar Paul Priya Rosa Sofia Tim Zoë
"""
STEMS = "Berg Brand Eich Feld Gross Hart Hof Kauf Kirch König Lind Müll O'Bri Öst Rosen Schröd Schul Stein Wald Zimmer"
ENDINGS = """
    er mann s eder berg bach ler ner el ig hofer inger meier stein lich ow ski ova en sen dottir sson ez es ini etti ov
    ić ak ský yan oğlu man ton ham ley well field worth
"""
# Those without an outcome could not be analysed.
OUTCOMES = {"finding": 0.45, "no_finding": 0.3, "inconclusive": 0.18, "not_assessed": 0.06, "": 0.01}
UNANSWERED = ("not_assessed", "")
REVIEW_STATES = {"none": 0.92, "agreed": 0.07, "disagreed": 0.01}
IMAGES_PER_STUDY = {1: 0.87, 2: 0.08, 3: 0.03, 4: 0.02}
NAMELESS, UNREFERRED, DELETED = 0.1, 0.1, 0.01
STUDIES_PER_PATIENT = 4
TIMINGS = '{"read": 3.1, "prepare": 2.2, "gate": 4.0, "network": 9.7, "saliency": 1.4}'

QUALITY = '{"sharpness": 71, "exposure": 100, "framing": 93, "size": 100, "likeness": 88}'


class NotEmpty(Exception):
    """The database holds rows, and they might be real."""

    def __init__(self) -> None:
        super().__init__("This database holds rows already, so nothing was written. Name an empty one.")


@dataclass(frozen=True)
class Population:
    """How many analyses there are, which share of the studies CLINICIAN sent, and how many others sent the rest."""

    analyses: int = 10_000
    share: float = 0.01
    others: int = 200
    seed: int = 1


@dataclass(frozen=True)
class Answer:
    """What a network is made to have said of a study."""

    task: models.Task
    outcome: str
    label: str = ""
    probability: float | None = None

    def findings(self) -> Iterator[tuple[str, float, str]]:
        """Each label of the task with its probability and decision, where the study was assessed."""
        if self.probability is None:
            return
        rest = (1 - self.probability) / (len(self.task.labels) - 1)
        for label in self.task.labels:
            leads = label.key == self.label
            yield label.key, self.probability if leads else rest, "likely" if leads else "unlikely"


def make_app(database_url: str) -> Flask:
    """The application on this database, with a folder of files that nothing is written to."""
    config = Testing()
    config.SQLALCHEMY_DATABASE_URI = database_url
    config.FILES_ROOT = tempfile.gettempdir()
    return create_app(config)


def fill(population: Population) -> None:
    """Store the population in the database of the current application; makes its tables if there are none.

    Raises NotEmpty if anything is stored there already.
    """
    if not inspect(db.engine).has_table(Study.__tablename__):
        upgrade()
    _insist_on_empty_tables()
    indexes = [index for table in db.metadata.sorted_tables for index in sorted(table.indexes, key=lambda it: it.name)]
    # One index after the other is made much faster than all of them row by row.
    with _haste() as connection:
        for index in indexes:
            index.drop(connection)
    _insert_rows(population)
    with _haste() as connection:
        for index in indexes:
            index.create(connection)


def _insert_rows(population: Population) -> None:
    rng = np.random.default_rng(population.seed)
    with _haste() as connection:
        _insert_users(connection, population)
    done, studies = 0, 0  # how many are stored
    while done < population.analyses:
        images = rng.choice(list(IMAGES_PER_STUDY), PORTION, p=list(IMAGES_PER_STUDY.values()))
        images = images[np.cumsum(images) - images < population.analyses - done]
        images[-1] -= max(0, done + images.sum() - population.analyses)
        with _haste() as connection:
            _insert_studies(connection, population, rng, images, studies + 1, done)
        done, studies = done + int(images.sum()), studies + len(images)


def _insist_on_empty_tables() -> None:
    with db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            if connection.scalar(select(func.count()).select_from(select(table).limit(1).subquery())):
                raise NotEmpty


@contextmanager
def _haste() -> Iterator[Connection]:
    """A transaction in which the database does not wait for the disk, nor check what is known to be right: what was
    drawn can be drawn again.
    """
    is_sqlite = db.engine.dialect.name == "sqlite"
    setting = "PRAGMA synchronous = {}" if is_sqlite else "SET unique_checks = {0}, foreign_key_checks = {0}"
    with db.engine.connect() as connection:
        _execute(connection, setting.format(0))
        yield connection
        connection.commit()
        _execute(connection, setting.format(2 if is_sqlite else 1))


def _execute(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
    connection.commit()


def _insert(connection: Connection, entity: type, **columns: Iterable) -> None:
    """Insert rows given by column, as the driver takes them; a column of equal values is a `repeat`."""
    compiled = entity.__table__.insert().compile(dialect=connection.dialect, column_keys=list(columns))
    names = compiled.positiontup or list(columns)
    rows: list = list(zip(*(columns[name] for name in names), strict=False))
    if not compiled.positional:
        rows = [dict(zip(names, row, strict=True)) for row in rows]
    if rows:
        connection.exec_driver_sql(str(compiled), rows)


def _insert_users(connection: Connection, population: Population) -> None:
    ids = range(1, 4 + population.others)
    emails = [_email(id_) for id_ in ids]
    roles = [Role.ADMIN, Role.REVIEWER, *[Role.CLINICIAN] * (len(emails) - 2)]
    _insert(
        connection,
        User,
        id=ids,
        created_at=repeat(str(SINCE).replace("T", " ")),
        email=emails,
        name=[email.partition("@")[0].capitalize() for email in emails],
        password_hash=repeat(passwords.hash_password(PASSWORD)),
        role=[role.value for role in roles],
        is_enabled=repeat(True),
        session_key=[f"{number:032x}" for number in range(len(emails))],
        must_change_password=repeat(False),
        last_login_at=repeat(None),
    )


def _email(user_id: int) -> str:
    first = (ADMIN, REVIEWER, CLINICIAN)
    return first[user_id - 1] if user_id <= len(first) else f"sender{user_id}@bench.invalid"


def _insert_studies(
    connection: Connection, population: Population, rng: np.random.Generator, images: np.ndarray, first: int, done: int
) -> None:
    """Insert studies with so many `images` each, and all that belongs to them. `first` is the id of the first study,
    `done` the number of analyses that are stored already.
    """
    size, total = len(images), int(images.sum())
    ids = range(first, first + size)
    keys = [rng.bytes(16).hex() for _ in ids]
    times = _times(population, rng, size, done, done + total)
    owners = _owners(population, rng, size)
    names, references = _patients(population, rng, size)
    answers = _answers(rng, size)
    reviews = rng.choice(list(REVIEW_STATES), size, p=list(REVIEW_STATES.values())).tolist()
    deleted = rng.random(size) < DELETED
    _insert(
        connection,
        Study,
        id=ids,
        created_at=times,
        key=keys,
        owner_id=owners,
        submission_key=repeat(None),
        copied_from_id=repeat(None),
        task=[answer.task.name for answer in answers],
        task_detected=repeat(False),
        patient_name=names,
        patient_reference=references,
        note=repeat(""),
        status=["done" if answer.outcome else "incomplete" for answer in answers],
        outcome=[answer.outcome for answer in answers],
        lead_label=[answer.label for answer in answers],
        lead_probability=[answer.probability for answer in answers],
        review_state=reviews,
        deleted_at=np.where(deleted, times, None).tolist(),
        deleted_by_id=np.where(deleted, owners, None).tolist(),
    )
    files = [f"IMG_{number:07}.jpg" for number in range(done, done + total)]
    studies = np.repeat(np.arange(size), images).tolist()  # of each image, its place among these studies
    _insert_terms(connection, ids, owners, names, references, files, studies)
    _insert_reviews(connection, ids, times, reviews)
    _insert_events(connection, keys, times, owners)
    _insert_images(connection, rng, ids, times, studies, files, done, answers)
    _insert_analyses(connection, times, studies, answers, done)


def _insert_terms(connection, ids, owners, names, references, files, studies) -> None:
    files_of: list[list[str]] = [[] for _ in ids]
    for study, file in zip(studies, files, strict=True):
        files_of[study].append(file)
    rows = [
        (id_, owner, term)
        for id_, owner, *texts in zip(ids, owners, names, references, files_of, strict=True)
        for term in search.terms(*texts)
    ]
    study_ids, owner_ids, terms = zip(*rows, strict=True)
    _insert(connection, SearchTerm, study_id=study_ids, owner_id=owner_ids, term=terms)


def _insert_reviews(connection, ids, times, reviews) -> None:
    reviewed = [place for place, state in enumerate(reviews) if state != ReviewState.NONE]
    _insert(
        connection,
        Review,
        created_at=[times[place] for place in reviewed],
        study_id=[ids[place] for place in reviewed],
        reviewer_id=repeat(2),
        agrees=[reviews[place] == ReviewState.AGREED for place in reviewed],
        correct_label=repeat(""),
        comment=repeat("Seen."),
    )


def _insert_events(connection, keys, times, owners) -> None:
    _insert(
        connection,
        AuditEvent,
        created_at=times,
        action=repeat("study.create"),
        user_id=owners,
        account=[_email(owner) for owner in owners],
        address=repeat("192.0.2.1"),
        object_key=keys,
        detail=repeat(""),
        request_id=repeat(""),
    )


def _insert_images(connection, rng, ids, times, studies, files, done, answers) -> None:
    keys = [rng.bytes(16).hex() for _ in files]
    positions = (np.arange(len(files)) - np.searchsorted(studies, studies)).tolist()
    _insert(
        connection,
        Image,
        id=range(done + 1, done + len(files) + 1),
        created_at=[times[study] for study in studies],
        key=keys,
        study_id=[ids[study] for study in studies],
        position=positions,
        original_name=files,
        sha256=[key * 2 for key in keys],
        byte_size=repeat(250_000),
        width=repeat(1024),
        height=repeat(1024),
        media_type=repeat("image/jpeg"),
        orientation=repeat(1),
        page=repeat(0),
        stored_name=[f"{key[:2]}/{key}.jpg" for key in keys],
        status=["done" if answers[study].outcome else "failed" for study in studies],
        claim=repeat(""),
        failure_code=["" if answers[study].outcome else "crashed" for study in studies],
        failure_values=repeat("{}"),
        failure_text=repeat(""),
        facts=repeat("{}"),
    )


def _insert_analyses(connection, times, studies, answers, done) -> None:
    answered = [(done + place, study) for place, study in enumerate(studies, 1) if answers[study].outcome]
    ids, studies = zip(*answered, strict=True)
    answers = [answers[study] for study in studies]
    _insert(
        connection,
        Analysis,
        id=ids,
        created_at=[times[study] for study in studies],
        image_id=ids,
        task=[answer.task.name for answer in answers],
        network=repeat("mobilenet_v2"),
        weights_version=repeat("1.0.0"),
        weights_sha256=repeat("0" * 64),
        outcome=[answer.outcome for answer in answers],
        reason_code=repeat(""),
        reason_values=repeat("{}"),
        reason=repeat(""),
        lead_label=[answer.label for answer in answers],
        lead_probability=[answer.probability for answer in answers],
        suggested_task=repeat(""),
        righted=repeat("[]"),
        quality=repeat(QUALITY),
        timings_ms=repeat(TIMINGS),
    )
    rows = [
        (id_, times[study], answer.task.primary, *finding)
        for id_, study, answer in zip(ids, studies, answers, strict=True)
        for finding in answer.findings()
    ]
    names = ("analysis_id", "created_at", "head", "label", "probability", "decision")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    _insert(connection, Finding, **columns, saliency_name=repeat(""))


def _times(population: Population, rng: np.random.Generator, size: int, first: int, last: int) -> list[str]:
    """Times in their order, within the part of the span that the analyses from `first` to `last` fall into."""
    parts = (first + np.sort(rng.random(size)) * (last - first)) / population.analyses
    times = SINCE + (parts * SPAN.astype(np.int64)).astype("m8[us]")
    return [time.replace("T", " ") for time in np.datetime_as_string(times, unit="us").tolist()]


def _owners(population: Population, rng: np.random.Generator, size: int) -> list[int]:
    """Ids of users: CLINICIAN's, else that of another sender, some of whom send more than others."""
    others = 4 + (population.others * rng.random(size) ** 2).astype(int)
    return np.where(rng.random(size) < population.share, 3, others).tolist()


def _patients(population: Population, rng: np.random.Generator, size: int) -> tuple[list[str], list[str]]:
    """Names and references; a patient has several studies, and one name."""
    patients = rng.integers(1, 2 + population.analyses // STUDIES_PER_PATIENT, size)
    given_names = GIVEN_NAMES.split()
    surnames = [stem + ending for ending in ENDINGS.split() for stem in STEMS.split()]
    places = zip(_skewed(patients * 104_729, len(surnames)), _skewed(patients * 7919, len(given_names)), strict=True)
    names = [f"{surnames[surname]}, {given_names[given]}" for surname, given in places]
    references = [f"MRN-{patient:07}" for patient in patients.tolist()]
    nameless, unreferred = (rng.random(size) < share for share in (NAMELESS, UNREFERRED))
    return np.where(nameless, "", names).tolist(), np.where(unreferred, "", references).tolist()


def _answers(rng: np.random.Generator, size: int) -> list[Answer]:
    """The first tasks and the first labels of a task are the most frequent ones."""
    tasks, outcomes = models.all_tasks(), rng.choice(list(OUTCOMES), size, p=list(OUTCOMES.values())).tolist()
    chosen = (len(tasks) * rng.random(size) ** 1.5).astype(int).tolist()
    answers = []
    for task, outcome, place, probability in zip(
        chosen, outcomes, rng.random(size) ** 1.5, rng.random(size), strict=True
    ):
        labels = tasks[task].labels
        said = (labels[int(len(labels) * place)].key, round(0.55 + 0.44 * float(probability), 4))
        answers.append(Answer(tasks[task], outcome, *(() if outcome in UNANSWERED else said)))
    return answers


def _skewed(numbers: np.ndarray, length: int) -> list[int]:
    """A place in a list of this length for each number, the same for the same, the first places more often."""
    return (length * (numbers % 10_007 / 10_007) ** 2).astype(int).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rows", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000, help="how many analyses (default: 10000)")
    parser.add_argument("--share", type=float, default=0.01, help=f"share of the studies that {CLINICIAN} sent")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", required=True, help="SQLAlchemy URL of an empty database")
    args = parser.parse_args()
    with make_app(args.database).app_context():
        try:
            fill(Population(analyses=args.rows, share=args.share, seed=args.seed))
        except NotEmpty as refusal:
            parser.error(str(refusal))
    print(f"{args.rows} analyses. Sign in as {ADMIN}, {REVIEWER} or {CLINICIAN}; the password is: {PASSWORD}")


if __name__ == "__main__":
    main()
