"""Precision and recall against what a person has written down."""

import pytest

from deploy.scoring import Label, Score, read_labels, score
from schemas.alerts import Alert, Severity, Transition

HEAD = "kind,subject,from,until\n"
NOISE = Label("noise.exceeded", "square", 100, 200)


def an_alert(at_ms, subject="square", kind="noise.exceeded", transition=Transition.ONSET):
    return Alert(
        source="noise", kind=kind, subject=subject, event_time_ms=at_ms, alert_id=f"{at_ms}",
        rule="noise", transition=transition, severity=Severity.MINOR, onset_time_ms=at_ms,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("alerts", "labels", "expected"),
    [
        ([], [], Score(0, 0, 0, 0)),
        ([], [NOISE], Score(0, 0, 0, 1)),
        ([an_alert(100)], [NOISE], Score(1, 0, 1, 0)),
        ([an_alert(200)], [NOISE], Score(1, 0, 1, 0)),
        ([an_alert(99), an_alert(201)], [NOISE], Score(0, 2, 0, 1)),
        ([an_alert(150, "other")], [NOISE], Score(0, 1, 0, 1)),
        ([an_alert(150), an_alert(160)], [NOISE], Score(2, 0, 1, 0)),
        ([an_alert(150)], [NOISE, NOISE._replace(from_ms=140)], Score(1, 0, 2, 0)),
        ([an_alert(150, kind="unlabelled")], [NOISE], Score(0, 0, 0, 1)),
        ([an_alert(150, transition=Transition.NOTICE)], [NOISE], Score(1, 0, 1, 0)),
        ([an_alert(150, transition=Transition.UPDATE)], [NOISE], Score(0, 0, 0, 1)),
        ([an_alert(150, transition=Transition.CLEAR)], [NOISE], Score(0, 0, 0, 1)),
    ],
    ids=[
        "nothing", "missed", "at its begin", "at its end", "just outside", "another subject",
        "two for one", "one for two", "a kind that nobody labelled", "a notice", "an update",
        "an end",
    ],
)  # fmt: skip
def test_a_score_counts_what_begins_within_a_label(alerts, labels, expected) -> None:
    assert score(alerts, labels) == expected


@pytest.mark.parametrize(
    ("counts", "precision", "recall"),
    [
        (Score(3, 1, 1, 1), 0.75, 0.5),
        (Score(0, 0, 0, 4), None, 0.0),
        (Score(0, 2, 0, 0), 0.0, None),
    ],
)
def test_precision_and_recall_of_nothing_are_unknown(counts, precision, recall) -> None:
    assert (counts.precision, counts.recall) == (precision, recall)


def test_labels_are_read_with_their_zones() -> None:
    text = HEAD + "noise.exceeded,square,2025-03-22T00:20:00+08:00,2025-03-21T16:30:00Z\n"

    assert read_labels(text) == [
        Label("noise.exceeded", "square", 1_742_574_000_000, 1_742_574_600_000)
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: the column 'kind' is missing"),
        ("kind,subject,from\n", "line 1: the column 'until' is missing"),
        (HEAD + "k,s,yesterday,2025-03-21T16:30:00Z\n", "line 2: from is 'yesterday'"),
        (HEAD + "k,s,2025-03-21T16:30:00Z,2025-03-21T16:30:00\n", "line 2: until is"),
        (HEAD + "k,s,2025-03-21T16:30:00Z\n", "line 2: until is None"),
    ],
    ids=["empty", "a column short", "no instant", "no zone", "a short row"],
)
def test_a_label_that_cannot_be_read_is_named_by_its_line(text, words) -> None:
    with pytest.raises(ValueError, match=words):
        read_labels(text)
