"""Writes docs/schemas/, the JSON Schemas of config.json and SESConfig.json for editors: `make schemas`.

They come out of the models that ses-fleet itself reads the files with. A test compares the two.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from ses_fleet.config.file_models import ConfigFile, SesConfigFile

FOLDER = Path(__file__).resolve().parent / "schemas"
_MODELS: dict[str, type[BaseModel]] = {"config": ConfigFile, "SESConfig": SesConfigFile}


class _ForPeople(GenerateJsonSchema):
    """pydantic's schema, but for two things that nobody needs to read: `anyOf` for null, and null as a default."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Return `"type": ["string", "null"]` where pydantic has two schemas in `anyOf`, if one type says it all."""
        inner = self.generate_inner(schema["schema"])
        if "type" in inner and "enum" not in inner:
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [*inner.get("anyOf", [inner]), {"type": "null"}]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema of what may be left out, without saying that null stands for it."""
        return self.generate_inner(schema["schema"])


def written() -> dict[Path, str]:
    """Return the text of every file in docs/schemas/."""
    return {FOLDER / f"{name}.schema.json": _text(model) for name, model in _MODELS.items()}


def _text(model: type[BaseModel]) -> str:
    schema = model.model_json_schema(schema_generator=_ForPeople)
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**dialect, **schema}, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in written().items():
        path.write_text(text)
