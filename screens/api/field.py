"""The field apps' door: a unit says what it does, and is answered at once.

    POST /api/v1/field/cases/{case}/{action}   {"unit": …, "photo": …, "reason": …}
    POST /api/v1/field/units/{unit}            {"state": …, "at_lon_deg": …, "at_lat_deg": …}

200 it is done · 409 refused, with the reason and what would be right · 202 nobody has
answered yet, the command is on its topic and will be. The sender's own `id` makes it
safe to send again after any of the three.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from schemas.commands import CaseAction
from screens.api import commands
from screens.hub.subscription import Layer
from screens.web import KNOWLEDGE, SETTINGS, Refused, json_answer, json_of

routes = web.RouteTableDef()
ACTIONS = (
    CaseAction.ACCEPT,
    CaseAction.DEPART,
    CaseAction.ARRIVE,
    CaseAction.HANDLE,
    CaseAction.VERIFY,
    CaseAction.CLOSE,
    CaseAction.RETURN,
    CaseAction.RECEIPT,
    CaseAction.REPORT_IN,
)
_LOOK_S = 0.05


@routes.post("/api/v1/field/cases/{case}/{action}")
async def act(request: web.Request) -> web.Response:
    """Say what a unit in the field does with its order, and wait for the answer.

    Actions: accept, depart, arrive, handle, verify, close, return, receipt, report-in.
    A photo is a reference, never its bytes. 200 done, 409 refused with the reason, 202
    when no answer came within 5 s: the command will be answered on layer `commands`.
    """
    action = request.match_info["action"]
    if action not in ACTIONS:
        raise Refused(404, "no-such-action", f"one of {', '.join(ACTIONS)}")
    where = {"subject": request.match_info["case"], "action": action}
    return await _say(request, await json_of(request) | where)


@routes.post("/api/v1/field/units/{unit}")
async def stand(request: web.Request) -> web.Response:
    """Say where a unit is and how it stands, and wait for the answer.

    `state` is free, busy, off or unreachable; a place is longitude and latitude in
    WGS-84, trusted for five minutes. Who is nearest and free is sent first.
    """
    where = {"unit": request.match_info["unit"], "action": CaseAction.STATUS}
    return await _say(request, await json_of(request) | where)


async def _say(request: web.Request, said: Mapping[str, Any]) -> web.Response:
    command_id = await commands.give(request, {**said, "topic": "case"})
    reply = await _reply(request, command_id)
    if reply is None:
        return json_answer({"command_id": command_id}, 202)
    if not reply["accepted"]:
        raise Refused(409, str(reply["reason"]), str(reply.get("hint", "")))
    return json_answer({"command_id": command_id, "case_id": reply.get("case_id", "")})


async def _reply(request: web.Request, command_id: str) -> Mapping[str, Any] | None:
    """Return the answer to a command once the gateway has read it; None when none came."""
    replies = request.app[KNOWLEDGE].matters[Layer.COMMANDS]
    loop = asyncio.get_running_loop()
    until_s = loop.time() + request.app[SETTINGS].answer_s
    while (item := replies.item(command_id)) is None:
        if loop.time() > until_s:
            return None
        await asyncio.sleep(_LOOK_S)
    return item.body
