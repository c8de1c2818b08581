"""The contract as documents: a JSON Schema a record, and AsyncAPI for the topics."""

from collections.abc import Mapping

from schemas import asyncapi, jsonschema

ASYNCAPI = "asyncapi.json"


def documents() -> dict[str, str]:
    """Return file name and text of every document, as `schemas/json/` holds them."""
    return {**jsonschema.export(), ASYNCAPI: asyncapi.document_json()}


def drift(files: Mapping[str, bytes]) -> list[str]:
    """Return in what a folder of documents differs from the code.

    Args:
        files: Content by file name, of the `.json` files that are there.
    """
    wanted = {name: text.encode() for name, text in documents().items()}
    found = [f"{name}: missing" for name in wanted.keys() - files.keys()]
    found += [f"{name}: nothing in the code has this name" for name in files.keys() - wanted.keys()]
    for name in wanted.keys() & files.keys():
        if files[name] != wanted[name]:
            found.append(f"{name}: differs from the code; export it again")
    return sorted(found)
