"""Signing in and staying so: encrypted cookies, a token against forgery, who asks."""

import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from aiohttp_session import Session, get_session, new_session
from aiohttp_session.cookie_storage import EncryptedCookieStorage
from cryptography.fernet import Fernet

from screens.access.accounts import Account
from screens.web import ACCOUNTS, PERSON, Refused

CSRF_HEADER = "X-CSRF-Token"
COOKIE = "citybrain_session"
_LASTS_S = 12 * 3_600
SESSION = web.RequestKey("session", Session)
ENDED = web.AppKey("ended_sessions", dict[str, float])
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_API = "/api/"
_SIGN_IN = ("POST", "/api/v1/session")


def storage(folder: Path, *, behind_tls: bool) -> EncryptedCookieStorage:
    """Return where sessions are kept: in their cookies, encrypted with a key of the folder.

    So they outlive the gateway's process, and no table of them can fill up.
    """
    return EncryptedCookieStorage(
        Fernet(_key(folder / "session.key")),
        cookie_name=COOKIE,
        max_age=_LASTS_S,
        httponly=True,
        secure=behind_tls,
        samesite="Strict",
    )


def _key(file: Path) -> bytes:
    """Return the key in `file`; make one where there is none, readable by its owner alone."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(Fernet.generate_key())
    return file.read_bytes().strip()


async def begin(request: web.Request, account: Account) -> str:
    """Begin a session; return its token against forgery."""
    session = await new_session(request)
    csrf = secrets.token_urlsafe(24)
    session["id"] = secrets.token_urlsafe(12)
    session["user"] = account.user
    session["stamp"] = account.stamp
    session["csrf"] = csrf
    session["until"] = time.time() + _LASTS_S
    return csrf


async def finish(request: web.Request) -> None:
    """End the session of a request, for whoever holds a copy of its cookie too."""
    session = await get_session(request)
    if "id" in session:
        now_s = time.time()
        ended = request.app[ENDED]
        for name in [name for name, until_s in ended.items() if until_s < now_s]:
            del ended[name]
        ended[session["id"]] = float(session["until"])
    session.invalidate()


def _account(app: web.Application, session: Session) -> Account | None:
    """Return whose session it is; None when it is over, ended, or of an older password."""
    user, until_s = session.get("user"), session.get("until")
    if not isinstance(user, str) or not isinstance(until_s, float) or until_s < time.time():
        return None
    if session.get("id") in app[ENDED]:
        return None
    account = app[ACCOUNTS].get(user)
    if account is None or account.stamp != session.get("stamp"):
        return None
    return account


def still_valid(request: web.Request) -> Callable[[], bool]:
    """Return a look at whether the session of a long request still holds as it began."""
    session = request[SESSION]
    person = request[PERSON]
    app = request.app

    def look() -> bool:
        account = _account(app, session)
        return account is not None and account.person == person

    return look


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Let nobody past who has not signed in, and no change without the session's token."""
    if not request.path.startswith(_API) or (request.method, request.path) == _SIGN_IN:
        return await handler(request)
    session = await get_session(request)
    account = _account(request.app, session)
    if account is None:
        raise Refused(401, "sign-in", "sign in first: POST /api/v1/session")
    if request.method not in _SAFE:
        said = request.headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(said.encode(), str(session.get("csrf", "")).encode()):
            raise Refused(403, "csrf", f"send the session's token in {CSRF_HEADER}")
    request[SESSION] = session
    request[PERSON] = account.person
    return await handler(request)
