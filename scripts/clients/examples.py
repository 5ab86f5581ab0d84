"""Checks an API description: it is OpenAPI 3.1, and every example in it fits the schema beside it."""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate


def examples(media):
    """The examples of a parameter or of a body, which may refer to those of the document."""
    if "example" in media:
        yield media["example"]
    for example in media.get("examples", {}).values():
        name = example.get("$ref", "").removeprefix("#/components/examples/")
        yield (document["components"]["examples"][name] if name else example)["value"]


def check(place, media):
    global checked
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"], **media.get("schema", {})}
    for example in examples(media):
        checked += 1
        for error in Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(example):
            faults.append(f"{place}{error.json_path.removeprefix('$')}: {error.message}")


faults, checked = [], 0
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    validate(document)
    for template, operations in document["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                check(f"{operation['operationId']} {parameter['name']}", parameter)
            for media in operation.get("requestBody", {}).get("content", {}).values():
                check(f"{operation['operationId']} request", media)
            for status, answer in operation["responses"].items():
                for media in answer.get("content", {}).values():
                    check(f"{operation['operationId']} {status}", media)
assert checked > 500, checked
if faults:
    sys.exit("\n".join(faults))
print(f"{checked} examples fit their schemas")
