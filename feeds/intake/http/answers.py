"""What the HTTP door answers: problems (RFC 9457) and verdicts, as bytes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec
from aiohttp import web

from streams.doors.verdict import Outcome, Verdict

JSON_TYPE: Final = "application/json"
PROBLEM_TYPE: Final = "application/problem+json"

_ENCODER: Final = msgspec.json.Encoder()


class Problem(NamedTuple):
    """Why a request is not served.

    Attributes:
        status: Of HTTP.
        code: A bounded word for programs.
        hint: What would mend it, for people.
        headers: Beside the usual ones.
    """

    status: int
    code: str
    hint: str
    headers: Mapping[str, str] = {}

    def response(self) -> web.Response:
        """Return it as a response."""
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.hint,
        }
        return web.Response(
            status=self.status,
            body=_ENCODER.encode(body),
            headers={"Content-Type": PROBLEM_TYPE, **self.headers},
        )


class VerdictBody(msgspec.Struct, omit_defaults=True):
    """The verdict on one item, as it is answered."""

    index: int
    verdict: Outcome
    code: str = ""
    field: str = ""
    hint: str = ""


class BatchBody(msgspec.Struct):
    """The answer to a batch."""

    accepted: int
    duplicates: int
    rejected: int
    verdicts: list[VerdictBody]


def batch_response(verdicts: Sequence[Verdict], places: Sequence[int]) -> web.Response:
    """Return the answer to a batch whose accepted items are acknowledged.

    202 when anything was taken, now or before; 422 when all was refused.

    Args:
        verdicts: One an item.
        places: The index of each item in what was sent.
    """
    outcomes = [verdict.outcome for verdict in verdicts]
    rejected = outcomes.count(Outcome.REJECTED)
    body = BatchBody(
        accepted=outcomes.count(Outcome.ACCEPTED),
        duplicates=outcomes.count(Outcome.DUPLICATE),
        rejected=rejected,
        verdicts=[
            VerdictBody(place, *verdict) for place, verdict in zip(places, verdicts, strict=True)
        ],
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if rejected == len(outcomes) else HTTPStatus.ACCEPTED
    return json_response(body, status)


def json_response(body: object, status: int = HTTPStatus.OK) -> web.Response:
    """Return `body` as JSON."""
    return web.Response(
        status=status, body=_ENCODER.encode(body), headers={"Content-Type": JSON_TYPE}
    )
