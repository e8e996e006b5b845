"""JSON Schemas of models with the docstrings of their fields.

pydantic's `use_attribute_docstrings` reads the source of each class at its import; documents are rarely requested.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class SchemaWithFieldDocs(GenerateJsonSchema):
    """Adds the docstring of each field without a description as its description."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a model."""
        made, cls = super().model_schema(schema), schema["cls"]
        texts = _field_docs(cls)
        for name, field in cls.model_fields.items():
            if name in texts and (shown := made.get("properties", {}).get(field.alias or name)) is not None:
                shown.setdefault("description", texts[name])
        return made


def _field_docs(cls: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of a class's fields, which stand below them in the source."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            docs |= _docs_of_module(base.__module__).get(base.__qualname__, {})
    return docs


@cache
def _docs_of_module(name: str) -> dict[str, dict[str, str]]:
    """Return the docstrings of fields by class; a module without source has none."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (KeyError, OSError, TypeError):
        return {}
    return {node.name: dict(_pairs(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _pairs(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
