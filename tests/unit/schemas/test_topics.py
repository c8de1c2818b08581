from schemas import topics
from schemas.examples import EXAMPLES
from schemas.topics import TOPICS, reading_topic, topic_config
from schemas.units import KINDS


def test_every_name_in_the_module_is_in_the_table():
    names = {
        value
        for name, value in vars(topics).items()
        if name.isupper() and not name.startswith("_") and name != "TOPICS"
    }

    assert names == set(TOPICS)
    assert all(name == topic.name for name, topic in TOPICS.items())


def test_topics_keyed_by_city_have_one_partition_but_for_the_inputs():
    for topic in TOPICS.values():
        if topic.key == "city" and topic.name != topics.CITIZEN_COMPLAINTS:
            assert topic.partitions == 1


def test_every_record_has_an_example():
    assert {topic.record for topic in TOPICS.values()} - {None} == set(EXAMPLES)


def test_a_twin_keeps_the_newest_and_the_others_keep_for_a_time():
    latest = topic_config(TOPICS[topics.INCIDENTS_LATEST])
    readings = topic_config(TOPICS[topics.SENSOR_READINGS])

    assert latest["cleanup.policy"] == "compact"
    assert "retention.ms" not in latest
    assert readings["cleanup.policy"] == "delete"
    assert readings["retention.ms"] == str(7 * 86_400_000)


def test_a_dead_letter_of_the_largest_value_fits_its_topic():
    largest = int(topic_config(TOPICS[topics.SENSOR_READINGS])["max.message.bytes"])
    letters = int(topic_config(TOPICS[topics.DEADLETTER])["max.message.bytes"])

    assert letters > largest * 4 / 3 + 4096


def test_life_safety_rides_a_lane_of_its_own():
    urgent = {kind for kind in KINDS if reading_topic(kind) == topics.SENSOR_READINGS_URGENT}

    assert urgent == {
        "water.level", "smoke.alarm", "temperature.air", "gas.combustible", "gas.toxic"
    }  # fmt: skip
    assert reading_topic("parking.occupied") == topics.SENSOR_READINGS
    assert reading_topic("no.such-kind") == topics.SENSOR_READINGS
