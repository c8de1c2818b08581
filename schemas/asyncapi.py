"""AsyncAPI 3.0 of the topics, made from the table of topics and the records.

`schemas/json/asyncapi.json` holds what `document_json` says; a check compares.
"""

import json
from typing import Any

from schemas.jsonschema import file_name, schema_of
from schemas.topics import TOPICS, Topic, topic_config


def document() -> dict[str, Any]:
    """Return the document: a channel a topic, a message a record."""
    records = {topic.record for topic in TOPICS.values() if topic.record is not None}
    messages = {
        cls.__name__: {
            "name": cls.__name__,
            "contentType": "application/json",
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-2020-12",
                "schema": {"$ref": f"./{file_name(cls)}"},
            },
            "examples": [{"payload": one} for one in schema_of(cls)["examples"]],
        }
        for cls in sorted(records, key=lambda cls: cls.__name__)
    }
    messages["NmeaLine"] = {
        "name": "NmeaLine",
        "contentType": "text/plain",
        "payload": {"type": "string", "description": "An NMEA 0183 sentence, tag blocks kept."},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Longgang city brain",
            "version": "1",
            "description": "The topics of the city brain, on Apache Kafka.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {
            f"read-{topic.name}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{_pointer(topic.name)}"},
                "summary": f"Keyed by {topic.key}: {topic.why}.",
            }
            for topic in TOPICS.values()
        },
        "components": {"messages": messages},
    }


def document_json() -> str:
    """Return the document as the file holds it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _channel(topic: Topic) -> dict[str, Any]:
    message = "NmeaLine" if topic.record is None else topic.record.__name__
    config = topic_config(topic)
    kafka: dict[str, Any] = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": {
            "cleanup.policy": config["cleanup.policy"].split(","),
            "max.message.bytes": int(config["max.message.bytes"]),
            **{name: int(config[name]) for name in config if name.endswith("retention.ms")},
        },
        "bindingVersion": "0.5.0",
    }
    return {
        "address": topic.name,
        "description": f"Keyed by {topic.key}: {topic.why}.",
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": kafka},
    }


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
