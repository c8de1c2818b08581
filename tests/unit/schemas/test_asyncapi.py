"""The AsyncAPI document says what the table of topics and the records say."""

from schemas.asyncapi import document
from schemas.contract import ASYNCAPI, documents
from schemas.topics import TOPICS, topic_config


def test_every_topic_is_a_channel_with_its_record_and_its_settings() -> None:
    told = document()

    assert told["channels"].keys() == TOPICS.keys()
    for name, topic in TOPICS.items():
        channel = told["channels"][name]
        (message,) = channel["messages"]
        kafka = channel["bindings"]["kafka"]
        assert channel["address"] == kafka["topic"] == name
        assert message == ("NmeaLine" if topic.record is None else topic.record.__name__)
        assert kafka["partitions"] == topic.partitions
        largest = topic_config(topic)["max.message.bytes"]
        assert str(kafka["topicConfiguration"]["max.message.bytes"]) == largest
        assert topic.key in channel["description"]


def test_every_reference_leads_somewhere() -> None:
    told, files = document(), documents()

    def references(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [ref for value in part.values() for ref in references(value)]
        return (
            [ref for value in part for ref in references(value)] if isinstance(part, list) else []
        )

    found = references(told)
    assert len(found) > len(TOPICS)
    for ref in found:
        if ref.startswith("./"):
            assert ref.removeprefix("./") in files
            continue
        here: object = told
        for step in ref.removeprefix("#/").split("/"):
            assert isinstance(here, dict)
            here = here[step]


def test_the_document_is_among_those_that_are_checked_for_drift() -> None:
    assert ASYNCAPI in documents()
