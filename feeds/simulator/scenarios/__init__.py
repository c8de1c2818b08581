"""The scenarios by name: a new one is its module, and its entry here."""

from collections.abc import Mapping
from types import MappingProxyType

from feeds.simulator.scenarios.city_task import CITY_TASK
from feeds.simulator.scenarios.dark_vessel import DARK_VESSEL
from feeds.simulator.scenarios.distress import DISTRESS
from feeds.simulator.scenarios.feed_outage import FEED_OUTAGE
from feeds.simulator.scenarios.fire import FIRE
from feeds.simulator.scenarios.flood import FLOOD
from feeds.simulator.scenarios.gas import GAS
from feeds.simulator.scenarios.illegal_parking import ILLEGAL_PARKING
from feeds.simulator.scenarios.joint_handling import JOINT_HANDLING
from feeds.simulator.scenarios.moratorium import MORATORIUM
from feeds.simulator.scenarios.one_visit import ONE_VISIT
from feeds.simulator.scenarios.routing_by_law import ROUTING_BY_LAW
from feeds.simulator.scenarios.square_dance import NOT_TURNED_DOWN, TURNED_DOWN
from feeds.simulator.scenarios.supervision import SUPERVISION
from feeds.simulator.scenarios.typhoon import TYPHOON
from feeds.simulator.scenarios.typhoon_switch import TYPHOON_SWITCH
from feeds.simulator.scenarios.whistle import WHISTLE
from feeds.simulator.story import Scenario

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            TURNED_DOWN,
            NOT_TURNED_DOWN,
            FIRE,
            GAS,
            FLOOD,
            TYPHOON,
            DISTRESS,
            DARK_VESSEL,
            MORATORIUM,
            ILLEGAL_PARKING,
            FEED_OUTAGE,
            JOINT_HANDLING,
            CITY_TASK,
            WHISTLE,
            SUPERVISION,
            ONE_VISIT,
            ROUTING_BY_LAW,
            TYPHOON_SWITCH,
        )
    }
)
