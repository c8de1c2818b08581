"""Vessels: classes of identities, the register, and cards."""

import pytest

from streams.vessels.register import (
    VesselClass,
    VesselRecord,
    class_of,
    gear_of,
    is_net_marker,
    register,
    title,
)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("412420001", VesselClass.SHIP),
        ("bd:20578", VesselClass.BEIDOU),
        ("970412001", VesselClass.DISTRESS),
        ("972412001", VesselClass.DISTRESS),
        ("974412001", VesselClass.DISTRESS),
        ("971412001", VesselClass.UNKNOWN),
        ("994121001", VesselClass.AID),
        ("984121001", VesselClass.CRAFT),
        ("111412001", VesselClass.AIRCRAFT),
        ("112412001", VesselClass.UNKNOWN),
        ("004121001", VesselClass.COAST),
        ("041210001", VesselClass.GROUP),
        ("841212345", VesselClass.HANDHELD),
        ("41242000", VesselClass.UNKNOWN),
        ("41242000x", VesselClass.UNKNOWN),
        ("４１２４２０００１", VesselClass.UNKNOWN),
    ],
)
def test_an_identity_says_what_it_stands_for(subject, expected):
    assert class_of(subject) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SHUNFA88-97%", True),
        ("6-12.4V", True),
        ("NET 7", True),
        ("WANG WEI YI", True),
        ("ZHE CANG YU 01234", False),
        ("NETTUNO", False),
        ("", False),
    ],
)
def test_a_beacon_on_a_net_is_known_by_its_name(name, expected):
    assert is_net_marker(name) is expected


def test_a_vessel_stands_in_the_register_under_both_its_identities():
    record = VesselRecord(code="V1", name="浙苍渔01234", mmsi="412420001", beidou="20578")

    registry = register([record])

    assert registry == {"412420001": record, "bd:20578": record}
    assert title("bd:20578", record) == "浙苍渔01234（bd:20578）"


@pytest.mark.parametrize(
    "records",
    [
        [VesselRecord(code="V1", name="a")],
        [
            VesselRecord(code="V1", name="a", mmsi="412420001"),
            VesselRecord(code="V2", name="b", mmsi="412420001"),
        ],
    ],
)
def test_a_register_without_identities_or_with_one_twice_is_refused(records):
    with pytest.raises(ValueError, match=r"V1|412420001"):
        register(records)


@pytest.mark.parametrize(
    ("registered", "said", "ship_type", "expected"),
    [
        ("trawl", "gillnet", 30, ("trawl", "registered")),
        ("", "gillnet", 30, ("gillnet", "said")),
        ("", "", 30, ("fishing", "said")),
        ("", "", 37, ("", "unknown")),
    ],
)
def test_the_register_is_asked_for_the_gear_first(registered, said, ship_type, expected):
    record = VesselRecord(code="V1", name="a", mmsi="412420001", gear=registered)

    assert gear_of(record, said, ship_type) == expected
