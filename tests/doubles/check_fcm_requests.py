#!/usr/bin/env python3
"""Checks the bodies of FCM sends against Google's own discovery document.

    check_fcm_requests.py BODIES [--least COUNT]

BODIES has one JSON body of `messages:send` a line, as the FCM double writes them (`RINGBACK_FCM_RECORD`). The document
is the one inside the PyPI package google-api-python-client, which the interpreter that runs this must have.
Names may be in snake_case, as the REST reference has them: proto3 JSON reads both forms.
"""

import argparse
import base64
import importlib.metadata
import json
import pathlib
import re
import sys
from datetime import datetime

DISTRIBUTION = "google-api-python-client"
DOCUMENT = "googleapiclient/discovery_cache/documents/fcm.v1.json"
# google.protobuf.Duration as JSON: seconds, up to nine digits after the point, and an s.
DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")


def camel_case(name):
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)


def is_datetime(text):
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def is_base64(text):
    try:
        base64.urlsafe_b64decode(text)
    except ValueError:
        return False
    return True


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


TYPES = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
    "number": lambda value: is_integer(value) or isinstance(value, float),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "any": lambda value: True,
}
FORMATS = {
    "google-duration": lambda text: DURATION.fullmatch(text) is not None,
    "google-datetime": is_datetime,
    "byte": is_base64,
    "int32": lambda number: -(2**31) <= number < 2**31,
    "int64": lambda text: re.fullmatch(r"-?\d+", text) is not None,
    "float": lambda number: True,
}


class Schemas:
    """The schemas of a discovery document."""

    def __init__(self, schemas):
        self.schemas = schemas

    def errors(self, value, schema, where):
        """Yields a sentence for everything in the value that the schema does not allow."""
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"]]
        kind = schema["type"]
        if not TYPES[kind](value):
            yield f"{where} is not of type {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where} is none of {', '.join(schema['enum'])}"
        if "format" in schema and not FORMATS[schema["format"]](value):
            yield f"{where} is not of the form {schema['format']}"
        if kind == "array":
            for index, item in enumerate(value):
                yield from self.errors(item, schema["items"], f"{where}[{index}]")
        if kind == "object":
            yield from self.object_errors(value, schema, where)

    def object_errors(self, value, schema, where):
        properties = schema.get("properties", {})
        for name, member in value.items():
            known = properties.get(camel_case(name), schema.get("additionalProperties"))
            if known is None:
                yield f"{where}.{name} is unknown"
            else:
                yield from self.errors(member, known, f"{where}.{name}")


def load_document():
    path = pathlib.Path(importlib.metadata.distribution(DISTRIBUTION).locate_file(DOCUMENT))
    return json.loads(path.read_text(encoding="utf-8"))


def check_itself(schemas):
    """A check that finds nothing wrong with these would find nothing wrong with anything."""
    request = {"$ref": "SendMessageRequest"}
    good = {
        "message": {
            "fid": "f",
            "data": {"a": "b"},
            "android": {"priority": "HIGH", "ttl": "45s", "collapse_key": "c", "notification": {"tag": "t"}},
        }
    }
    wrong = [
        {"urgent": True},
        {"message": []},
        {"message": {"registration_ids": ["x"]}},
        {"message": {"data": {"a": 1}}},
        {"message": {"android": {"ttl": "45"}}},
        {"message": {"android": {"ttl": 45}}},
        {"message": {"android": {"priority": "high"}}},
        {"message": {"android": {"notification": {"sticky": "yes"}}}},
        {"message": {"android": {"notification": {"body_loc_args": [1]}}}},
    ]
    assert not list(schemas.errors(good, request, "request")), "a proper body is refused"
    for body in wrong:
        assert list(schemas.errors(body, request, "request")), f"{body} is let through"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bodies", type=pathlib.Path, help="one JSON body a line")
    parser.add_argument("--least", type=int, default=1, help="fail if there are fewer bodies")
    arguments = parser.parse_args()

    document = load_document()
    schemas = Schemas(document["schemas"])
    check_itself(schemas)

    lines = arguments.bodies.read_text(encoding="utf-8").splitlines()
    wrong = 0
    for number, line in enumerate(lines, start=1):
        for error in schemas.errors(json.loads(line), {"$ref": "SendMessageRequest"}, "request"):
            wrong += 1
            print(f"{arguments.bodies}:{number}: {error}", file=sys.stderr)
    print(f"{len(lines)} FCM requests against revision {document['revision']} of {document['id']}: {wrong} errors")
    if len(lines) < arguments.least:
        sys.exit(f"fewer than {arguments.least} requests: the tests that send them did not run")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
