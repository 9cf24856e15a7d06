"""A consumer by the library of CloudEvents for Python: messages as kcat prints them, a line each -> id, type, subject; their data
must be as its JSON Schema says.

    read_cloud_events.py SCHEMAS.ndjson < MESSAGES
"""

import json
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from jsonschema import Draft202012Validator, FormatChecker


def main():
    schemas = {}
    with open(sys.argv[1]) as lines:
        for schema in map(json.loads, lines):
            Draft202012Validator.check_schema(schema)
            schemas[schema["$id"]] = Draft202012Validator(schema, format_checker=FormatChecker())
    for message in map(json.loads, sys.stdin):
        headers = {name: value.encode() for name, value in message["headers"].items()}
        event = from_kafka_event(KafkaMessage(headers, message["key"], message["payload"].encode()))
        schemas[event.get_dataschema()].validate(event.get_data())
        print(event.get_id(), event.get_type(), event.get_subject())


if __name__ == "__main__":
    main()
