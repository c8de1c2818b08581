"""Signing in and out, and who one is."""

import asyncio
import time

from aiohttp import web
from aiohttp_session import get_session

from schemas.commands import CaseAction
from schemas.instants import format_instant
from screens.access import session
from screens.access.people import Person, Role
from screens.access.throttle import Throttle
from screens.web import (
    ACCOUNTS,
    AUDIT,
    METRICS,
    Refused,
    json_answer,
    json_of,
    person_of,
    remote_of,
)

routes = web.RouteTableDef()
THROTTLE = web.AppKey("throttle", Throttle)
AT_ONCE = web.AppKey("signins_at_once", asyncio.Semaphore)
_MOST_PASSWORD = 1_024


@routes.post("/api/v1/session")
async def sign_in(request: web.Request) -> web.Response:
    """Begin a session: `user` and `password` as JSON; the answer sets the cookie."""
    said = await json_of(request)
    user, password = said.get("user"), said.get("password")
    if not isinstance(user, str) or not isinstance(password, str):
        raise Refused(400, "incomplete", "send user and password as text")
    app = request.app
    throttle, names = app[THROTTLE], (f"user {user[:80]}", f"from {remote_of(request)}")
    async with app[AT_ONCE]:  # Argon2 takes 64 MiB each
        # Looked at in here: of many attempts at once, each else saw none that failed.
        wait_s = throttle.wait_s(names, time.monotonic())
        if wait_s:
            app[METRICS].signins.labels("throttled").inc()
            after = str(int(wait_s) + 1)
            hint = f"too many failed attempts; try again in {after} s"
            raise Refused(429, "throttled", hint, {"Retry-After": after})
        account = await asyncio.to_thread(app[ACCOUNTS].verify, user, password[:_MOST_PASSWORD])
        if account is None:
            throttle.fail(names, time.monotonic())
    outcome = "refused" if account is None else "accepted"
    app[METRICS].signins.labels(outcome).inc()
    _log(request, user, outcome)
    if account is None:
        raise Refused(401, "wrong-password", "user or password is wrong")
    throttle.succeed(names[0])
    csrf = await session.begin(request, account)
    return json_answer({**me(account.person), "csrf": csrf})


@routes.delete("/api/v1/session")
async def sign_out(request: web.Request) -> web.Response:
    """End the session."""
    _log(request, person_of(request).user, "signed-out")
    await session.finish(request)
    return json_answer({"signed_out": True})


@routes.get("/api/v1/me")
async def who(request: web.Request) -> web.Response:
    """Return who one is and what one may do."""
    held = await get_session(request)
    return json_answer({**me(person_of(request)), "csrf": held["csrf"]})


def me(person: Person) -> dict[str, object]:
    """Return a person as the page gets them."""
    return {
        "user": person.user,
        "name": person.name,
        "role": person.role,
        "areas": list(person.areas),
        "may": list(may(person.role)),
    }


_FIELD = (
    CaseAction.ACCEPT,
    CaseAction.DEPART,
    CaseAction.ARRIVE,
    CaseAction.HANDLE,
    CaseAction.VERIFY,
    CaseAction.CLOSE,
    CaseAction.RETURN,
    CaseAction.FALSE_ALARM,
    CaseAction.NOTE,
    CaseAction.RECEIPT,
    CaseAction.REPORT_IN,
    CaseAction.WHISTLE,
    CaseAction.STATUS,
)


def may(role: Role) -> tuple[str, ...]:
    """Return the actions that a role may ask for; dispatch judges each again."""
    if role is Role.VIEWER:
        return ()
    if role is Role.OPERATOR:
        return (*_FIELD, "reveal")
    return (
        *CaseAction,
        "silence",
        "unsilence",
        "split",
        "mode-on",
        "mode-off",
        "roll-call",
        "reveal",
    )


def _log(request: web.Request, user: str, outcome: str) -> None:
    request.app[AUDIT].write(
        {
            "at": format_instant(time.time_ns() // 1_000_000),
            "what": "sign-in",
            "user": user[:80],
            "outcome": outcome,
            "from": remote_of(request),
        }
    )
