"""What camera platforms really send, as detections; and why the rest is none."""

import json
from collections import Counter

import pytest

from feeds.cameras.plates import plate_hash, salt_of
from schemas.codec import decode, encode
from schemas.detections import Detection
from schemas.instants import parse_instant
from schemas.records import Reason

SALT = b"sixteen bytes or more"


def frigate_event(kind="new", **after):
    told = {
        "id": "1607123955.475377-mxklsc",
        "camera": "gate",
        "frame_time": 1607123962.082975,
        "label": "car",
        "score": 0.87,
        "stationary": True,
        "current_zones": ["yard", "no_parking"],
        "has_snapshot": True,
        "recognized_license_plate": "浙C·12345",
        "sub_label": ["John Smith", 0.79],
    }
    return json.dumps({"type": kind, "before": {}, "after": told | after}).encode()


def onvif_xml(topic="tns1:RuleEngine/LineDetector/Crossed", time="2020-05-24T07:24:47Z"):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<wsnt:Notify xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"
    xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tns1="http://www.onvif.org/ver10/topics">
 <wsnt:NotificationMessage><wsnt:Topic>{topic}</wsnt:Topic><wsnt:Message>
  <tt:Message UtcTime="{time}" PropertyOperation="Changed">
   <tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="video_source_config1"/>
    <tt:SimpleItem Name="Rule" Value="MyLineDetectorRule"/></tt:Source>
   <tt:Data><tt:SimpleItem Name="ObjectId" Value="0"/></tt:Data>
  </tt:Message></wsnt:Message></wsnt:NotificationMessage>
</wsnt:Notify>""".encode()


def gb_alarm(method="5", kind="10", encoding="GB2312"):
    return f"""<?xml version="1.0" encoding="{encoding}"?>
<Notify><CmdType>Alarm</CmdType><SN>7</SN><DeviceID>64010000001340000001</DeviceID>
<AlarmPriority>4</AlarmPriority><AlarmMethod>{method}</AlarmMethod>
<AlarmTime>2026-05-01T20:30:00</AlarmTime><AlarmDescription>人群聚集</AlarmDescription>
<Info><AlarmType>{kind}</AlarmType></Info></Notify>""".encode(
        "gb18030" if encoding == "GB2312" else encoding
    )


def reasons(mapped):
    return [one.refusal.reason for one in mapped.refusals]


def test_a_car_that_stands_in_a_watched_zone_is_illegal_parking(platforms):
    (found,) = platforms.take("frigate", frigate_event()).detections

    assert (found.kind, found.subject, found.source) == (
        "parking.illegal",
        "LG-CAM-00001",
        "cameras",
    )
    assert found.event_time_ms == 1607123962083
    assert found.confidence == 0.87
    assert found.snapshot == "api/events/1607123955.475377-mxklsc/snapshot.jpg"
    assert found.plate_hash == plate_hash("浙C12345", SALT)
    assert decode(Detection, encode(found)) == found


def test_the_same_message_again_has_the_same_id_and_the_next_frame_another(platforms):
    (once,) = platforms.take("frigate", frigate_event()).detections
    (again,) = platforms.take("frigate", frigate_event()).detections
    (later,) = platforms.take(
        "frigate", frigate_event("update", frame_time=1607123999.5)
    ).detections

    assert once.id == again.id != later.id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "end"}, Reason.NO_FINDING),
        ({"false_positive": True}, Reason.NO_FINDING),
        ({"label": "person"}, Reason.PERSON),
        ({"stationary": False}, Reason.NOT_WATCHED),
        ({"current_zones": ["yard"]}, Reason.NOT_WATCHED),
        ({"camera": "nobody's"}, Reason.UNKNOWN_SUBJECT),
        ({"frame_time": "noon"}, Reason.BAD_TIME),
    ],
)
def test_what_is_no_finding_of_ours_is_refused_with_its_reason_and_a_hint(
    platforms, change, reason
):
    mapped = platforms.take("frigate", frigate_event(**change))

    assert reasons(mapped) == [reason]
    assert mapped.detections == []
    assert mapped.refusals[0].refusal.hint


def test_what_is_kept_of_a_refused_finding_has_no_plate_and_no_name(platforms):
    (one,) = platforms.take("frigate", frigate_event(camera="other")).refusals
    kept = json.loads(one.kept)

    assert kept["camera"] == "other"
    assert "12345" not in one.kept.decode()
    assert "John" not in one.kept.decode()


@pytest.mark.recordings
def test_every_documented_frigate_message_is_taken_or_refused_by_name(platforms, samples):
    found = Counter(
        reason
        for body in samples("frigate_mqtt_samples.jsonl")
        for reason in reasons(platforms.take("frigate", body))
    )

    assert found == {Reason.PERSON: 6, Reason.MISSING_FIELD: 2}


@pytest.mark.recordings
def test_real_onvif_notifications_give_vehicles_and_crossings_and_no_person(platforms, samples):
    mapped = [platforms.take("onvif", body) for body in samples("onvif_notifications.jsonl")]
    found = [(one.kind, one.subject) for each in mapped for one in each.detections]

    # Cameras that name no token of ours are unknown, the rest has rules or persons.
    assert found == [
        ("parking.illegal", "LG-CAM-00006"),
        ("stall.outside", "LG-CAM-00002"),
        ("parking.illegal", "LG-CAM-00003"),
    ]
    assert all(each.detections or each.refusals for each in mapped)
    assert Counter(reason for each in mapped for reason in reasons(each)) == {
        Reason.PERSON: 5,
        Reason.NOT_WATCHED: 14,
        Reason.BAD_TIME: 5,
    }


def test_onvif_xml_says_the_same_as_its_json_form(platforms):
    (found,) = platforms.take("onvif", onvif_xml()).detections

    assert (found.kind, found.subject) == ("stall.outside", "LG-CAM-00002")
    assert found.event_time_ms == parse_instant("2020-05-24T07:24:47Z")
    assert found.confidence == 0.4


def test_the_door_may_know_the_camera_better_than_the_message(platforms):
    (found,) = platforms.take("onvif", onvif_xml(), camera="vsconf").detections

    assert found.subject == "LG-CAM-00003"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><Notify>&x;</Notify>',
        b'<!DOCTYPE a SYSTEM "http://169.254.169.254/x"><Notify/>',
        b"<Notify><CmdType>Alarm</Notify>",
        b"<Notify>\xff\xfe</Notify>",
        b"<a>" * 100_000,
    ],
)
@pytest.mark.parametrize("name", ["onvif", "gb"])
def test_hostile_xml_is_refused_and_nothing_is_fetched(platforms, name, body):
    assert reasons(platforms.take(name, body)) == [Reason.UNDECODABLE]


@pytest.mark.recordings
def test_a_real_vehicle_record_is_local_time_with_its_plate_hashed(platforms, samples):
    (body,) = samples("gat1400_motorvehicle_sample.json")
    (found,) = platforms.take("viid", body).detections

    assert found.event_time_ms == parse_instant("2016-09-12T22:01:07+08:00")
    assert (found.kind, found.subject) == ("parking.illegal", "LG-CAM-00004")
    assert found.plate_hash == plate_hash("苏NF5676", SALT)
    assert "NF5676" not in encode(found).decode()


def test_faces_and_persons_of_an_image_database_are_refused(platforms):
    body = {"FaceListObject": {"FaceObject": [{"FaceID": "1"}, {"FaceID": "2"}]}}
    mapped = platforms.take("viid", json.dumps(body).encode())

    assert reasons(mapped) == [Reason.PERSON, Reason.PERSON]
    assert all(one.kept == b"" for one in mapped.refusals)


@pytest.mark.parametrize("encoding", ["GB2312", "UTF-8"])
def test_a_crowd_alarm_in_either_encoding_is_a_gathering(platforms, encoding):
    (found,) = platforms.take("gb", gb_alarm(encoding=encoding)).detections

    assert (found.kind, found.subject) == ("crowd.gathering", "LG-CAM-00005")
    assert found.event_time_ms == parse_instant("2026-05-01T20:30:00+08:00")


@pytest.mark.recordings
def test_the_real_alarm_is_taken_without_its_impossible_place(platforms, samples):
    (found,) = platforms.take("gb", *samples("gb28181_alarm_notify.xml")).detections

    assert found.event_time_ms == parse_instant("2009-12-04T16:23:32+08:00")
    assert found.lon_deg is None


@pytest.mark.parametrize("name", ["frigate", "onvif", "viid", "gb"])
@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"[]", b"null", b"{}", b"[" * 100_000])
def test_a_body_that_is_no_message_is_one_refusal(platforms, name, body):
    mapped = platforms.take(name, body)

    assert len(mapped.refusals) == 1
    assert mapped.detections == []


def test_a_plate_has_one_hash_however_it_is_written_and_none_without_a_salt():
    assert plate_hash("浙C·12 345", SALT) == plate_hash("浙c12345", SALT)
    assert plate_hash("浙C12345", SALT) != plate_hash("浙C12345", b"another salt of 16")
    assert plate_hash("浙C12345", b"") is None


def test_a_salt_comes_from_a_file_or_the_environment_and_must_be_long(tmp_path):
    (tmp_path / "salt").write_text("0123456789abcdef\n")

    assert salt_of({"CITYBRAIN_PLATE_SALT_FILE": str(tmp_path / "salt")}) == b"0123456789abcdef"
    assert salt_of({}) == b""
    with pytest.raises(ValueError, match="at least 16"):
        salt_of({"CITYBRAIN_PLATE_SALT": "short"})
