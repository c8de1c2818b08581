"""What becomes of a message after an attempt: delivered, tried again later, given up."""

from enum import StrEnum
from http import HTTPStatus
from typing import Final, NamedTuple

GIVE_UP_AFTER_S: Final = 86_400.0
"""So long after it came into the topic, a message that is not taken is given up."""

LONGEST_WAIT_S: Final = 3_600.0
MOST_REFUSALS: Final = 5
"""An endpoint that says so often that the message itself is wrong is believed."""

_FIRST_WAIT_S: Final = 1.0
_WRONG_MESSAGE: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.GONE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


class Answer(StrEnum):
    """How an attempt ended; bounded, so that it can label a metric."""

    TAKEN = "taken"
    REFUSED = "refused"
    REDIRECT = "redirect"
    CLIENT_ERROR = "client-error"
    SERVER_ERROR = "server-error"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    ADDRESS_REFUSED = "address-refused"


class Next(StrEnum):
    """What is done now."""

    DELIVERED = "delivered"
    AGAIN = "again"
    GIVE_UP = "give-up"


class Verdict(NamedTuple):
    """What is done, and after how long."""

    next: Next
    wait_s: float = 0.0


def answer_of(status: int) -> Answer:
    """Return what a status says; only 2xx takes the message, and redirects are not followed."""
    if status in _WRONG_MESSAGE:
        return Answer.REFUSED
    kinds = {2: Answer.TAKEN, 3: Answer.REDIRECT, 4: Answer.CLIENT_ERROR}
    return kinds.get(status // 100, Answer.SERVER_ERROR)


def judge(
    answer: Answer, *, attempts: int, age_s: float, share: float, retry_after_s: float = 0.0
) -> Verdict:
    """Return what becomes of a message.

    Args:
        answer: Of the last attempt.
        attempts: How many there were, this one included.
        age_s: Since the message came into its topic.
        share: Dice, 0 to 1: waits are spread over the upper half.
        retry_after_s: What the endpoint asked for.
    """
    if answer is Answer.TAKEN:
        return Verdict(Next.DELIVERED)
    if answer is Answer.REFUSED and attempts >= MOST_REFUSALS:
        return Verdict(Next.GIVE_UP)
    if age_s >= GIVE_UP_AFTER_S:
        return Verdict(Next.GIVE_UP)
    longest_s = min(_FIRST_WAIT_S * 2.0 ** min(attempts - 1, 30), LONGEST_WAIT_S)
    wait_s = longest_s * (0.5 + share / 2)
    return Verdict(Next.AGAIN, min(max(wait_s, retry_after_s), LONGEST_WAIT_S))
