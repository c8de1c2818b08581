"""Agents of what is claimed: cameras' detections, and citizens' tickets."""

from agents.spec import AgentSpec
from schemas.topics import CAMERA_DETECTIONS, CITIZEN_COMPLAINTS
from streams.city.model import City
from streams.operators.claims import complaints_operator, detections_operator
from streams.registry import COMPLAINT_RULES, DETECTION_RULES, settings


def cameras(city: City) -> AgentSpec:
    """Return the agent of `camera.detections`."""
    told = settings(DETECTION_RULES, city)
    return AgentSpec(
        "cameras",
        (CAMERA_DETECTIONS,),
        lambda _: detections_operator(city, DETECTION_RULES, told),
    )


def complaints(city: City) -> AgentSpec:
    """Return the agent of `citizen.complaints`."""
    told = settings(COMPLAINT_RULES, city)
    return AgentSpec(
        "complaints",
        (CITIZEN_COMPLAINTS,),
        lambda _: complaints_operator(city, COMPLAINT_RULES, told),
    )
