"""GB/T 28181: the alarm notification (`<Notify><CmdType>Alarm`).

A label is the method and the type, `5.10`: method 5 is video analysis, its type
10 crowd density (GB/T 28181-2016, A.2.5). Times are local, without a zone. The
position that a device tells is not taken: its datum is a setting of the device.
"""

from feeds.cameras.finding import Finding, Said, local_instant
from feeds.cameras.xml import child_text, parse
from schemas.records import Reason
from schemas.refused import Refusal


def read(body: bytes) -> list[Said]:
    """Return what one notification says."""
    root = parse(body)
    if isinstance(root, Refusal):
        return [root]
    if child_text(root, "CmdType") != "Alarm":
        return [Refusal(Reason.NOT_WATCHED, "CmdType", "only alarms are taken")]
    text = child_text(root, "AlarmTime").partition(".")[0]
    at_ms = local_instant(text, "%Y-%m-%dT%H:%M:%S", "AlarmTime")
    if isinstance(at_ms, Refusal):
        return [at_ms]
    device, serial = child_text(root, "DeviceID"), child_text(root, "SN")
    method, kind = child_text(root, "AlarmMethod"), child_text(root, "AlarmType")
    return [
        Finding(
            camera=device,
            labels=(method, f"{method}.{kind}") if kind else (method,),
            at_ms=at_ms,
            event=f"{serial}@{at_ms}",
        )
    ]
