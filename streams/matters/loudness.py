"""How loud a venue is for those around it: complaints a month, and what reminders did.

The loop of the square dance is closed when complaints go toward none and reminders do
the work: so both are counted side by side, for each venue and local month.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from schemas.cases import CaseRecord
from schemas.dispatch import Reminder
from schemas.incidents import Incident
from streams.geo.fences import distance_m
from streams.matters.course import OVER
from streams.matters.dispatch import case_id_of
from streams.matters.proof import SENSOR
from streams.noise.limits import Venue

COMPLAINT = "complaint.noise"
_NOISE = "noise."


class Key(NamedTuple):
    """Which venue, in which local month, such as `2026-05`."""

    month: str
    venue: str


class Loudness(NamedTuple):
    """A venue's month.

    Attributes:
        complaints: Tickets about noise at or near it, repeats of one ticket not counted.
        times: How often it was too loud for so long that something was done.
        reminders: Calls to its loudspeaker.
        worked: Cases with a reminder that a sensor saw end with nobody sent.
        sent: Cases for which somebody was sent.
    """

    complaints: int = 0
    times: int = 0
    reminders: int = 0
    worked: int = 0
    sent: int = 0


def loudness(
    incidents: Mapping[str, Incident],
    cases: Mapping[str, CaseRecord],
    reminders: Mapping[str, Reminder],
    near: Callable[[Incident], str],
    month: Callable[[int], str],
) -> dict[Key, Loudness]:
    """Return what venues come to, month by month.

    Args:
        incidents: By id, each as its newest message says.
        cases: By id, each as its newest record says.
        reminders: Calls to loudspeakers, by id.
        near: The venue that an incident is about, "" for none.
        month: The local month of an instant in ms; an incident counts where it began.
    """
    counts: dict[Key, Loudness] = defaultdict(Loudness)
    calls: dict[str, int] = defaultdict(int)
    for call in reminders.values():
        calls[call.incident_id] += 1
    for incident in incidents.values():
        complaints = complaints_of(incident)
        is_loud = incident.kind.startswith(_NOISE)
        venue = near(incident) if complaints or is_loud else ""
        if not venue:
            continue
        case, called = cases.get(case_id_of(incident.incident_id)), calls[incident.incident_id]
        went = case is not None and bool(case.orders)
        quiet = case is not None and case.state in OVER and case.verified == SENSOR and not went
        before = counts[key := Key(month(incident.opened_time_ms), venue)]
        counts[key] = Loudness(
            before.complaints + complaints,
            before.times + is_loud,
            before.reminders + called,
            before.worked + (quiet and called > 0),
            before.sent + went,
        )
    return dict(sorted(counts.items()))


def complaints_of(incident: Incident) -> int:
    """Return how many tickets about noise are in an incident; a merged one's are in the other."""
    if incident.merged_into:
        return 0
    joined = sum(link.kind == COMPLAINT for link in incident.links)
    return joined + (incident.kind == COMPLAINT)


def venue_near(venues: Iterable[Venue], within_m: float) -> Callable[[Incident], str]:
    """Return what names the venue of an incident: its own, else the nearest within reach."""
    known = {venue.code: (venue.lon_deg, venue.lat_deg) for venue in venues}

    def near(incident: Incident) -> str:
        if incident.subject in known:
            return incident.subject
        if incident.lon_deg is None or incident.lat_deg is None:
            return ""
        here = incident.lon_deg, incident.lat_deg
        far_m = {code: distance_m(here, place) for code, place in known.items()}
        nearest = min(far_m, key=lambda code: (far_m[code], code), default="")
        return nearest if nearest and far_m[nearest] <= within_m else ""

    return near
