"""The text of a definition: its syntax tree without positions, comments, docstrings, annotations and import statements.

Each name from elsewhere is a place in it, filled by the definition that it stands for. So moving, splitting or renaming
files changes no text, nor does another name for what is imported or for the definition itself.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lib.store.code.syntax import (
    ANY_MODULE,
    ANY_STUDY,
    FUNCTIONS,
    IMPORTS,
    WHOLE,
    Name,
    Use,
    annotations_of,
    bound,
    chain,
    imported_module,
    last,
)

if TYPE_CHECKING:
    from lib.store.code.definitions import Module

#: parts of a syntax tree that say nothing about values
_NOT_TEXT = frozenset({"returns", "type_comment", "ctx"})
#: calls that look names up in their own module
_REFLECTS = frozenset({"globals", "eval", "exec", "__import__"})


class Writer:
    """Writes the text of a definition, and collects its uses and strings on the way."""

    def __init__(self, module: Module, machinery: bool, own: str = "") -> None:
        self.module, self.machinery, self.own = module, machinery, own
        self.uses: list[Use] = []
        self.behind: list[Use] = []  # by annotations, which are not in the text
        self.strings: set[str] = set()
        self.local: Mapping[str, Name | str] = {}
        self.names: set[str] = set()
        self.outside = False  # at the top level, where a name that is bound is one of the module's

    def write(self, node: ast.AST) -> str:
        """The text of a statement or expression at the top level of the module."""
        inside = list(ast.walk(node))
        annotations = annotations_of(inside)
        self.local = {}
        for item in inside:
            if isinstance(item, IMPORTS):
                self.local |= bound(item, self.module.name, self.module.package)
        self.names = self.module.names_used(node, inside, annotations) | self.local.keys()
        self.outside = not isinstance(node, (*FUNCTIONS, ast.ClassDef))
        text = self._text(node) if self.outside else self._node(node, getattr(node, "name", ""))
        annotated, self.uses = self.uses, []
        for note in annotations:
            self._text(note)
        self.behind += self.uses
        self.uses = annotated
        return text

    def _text(self, item: object) -> str:
        if isinstance(item, list):
            return f"[{','.join([self._text(part) for part in item])}]"
        if not isinstance(item, ast.AST):
            return repr(item)
        kind = type(item)
        if kind is ast.Attribute or kind is ast.Name:
            return self._name(item)  # type: ignore[arg-type]
        if isinstance(item, ast.Constant):
            if isinstance(item.value, str):
                self.strings.add(item.value)
            return f"{type(item.value).__name__}:{item.value!r}"
        if isinstance(item, IMPORTS):
            return ""
        if isinstance(item, ast.Call):
            self._call(item)
        return self._node(item)

    def _node(self, item: ast.AST, defined: str = "") -> str:
        parts = []
        for name in item._fields:
            value = getattr(item, name, None)
            if value is None or value == [] or name in _NOT_TEXT or (name == "name" and defined == self.own != ""):
                continue
            if name == "annotation" and not getattr(item, "in_class", False):
                continue
            if name == "body" and isinstance(value, list):
                value = self._body(item, value)
            elif name == "decorator_list":
                value = [mark for mark in value if last(mark) != "machinery"]
            parts.append(f"{name}={self._text(value)}")
        return f"{type(item).__name__}({','.join(parts)})"

    def _body(self, item: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
        if isinstance(item, ast.ClassDef):  # there an annotation says what a dataclass has
            for statement in body:
                statement.in_class = True  # type: ignore[attr-defined]
        documented = isinstance(item, (*FUNCTIONS, ast.ClassDef)) and ast.get_docstring(item, clean=False) is not None
        return body[1:] if documented else body

    def _name(self, node: ast.Attribute | ast.Name) -> str:
        root, attributes = chain(node)
        behind = "".join(f".{attribute}" for attribute in attributes)
        if isinstance(root, ast.Call) and (target := imported_module(root)):
            self.uses.append(Use(Name(target, WHOLE), attributes))
            return f"@{behind}"
        if not isinstance(root, ast.Name):
            return f"{self._text(root)}{behind}"
        meant = self._meant(root.id) if isinstance(root.ctx, ast.Load) or attributes else None
        if isinstance(meant, str):
            return f"{meant}{behind}"
        if meant is None:
            return f"{'' if self.outside and root.id == self.own else root.id}{behind}"
        self.uses.append(Use(meant, attributes))
        return f"@{behind}"

    def _meant(self, name: str) -> Name | str | None:
        """What a name stands for: something of this package, of another one (a text), or None: local or built in."""
        if name not in self.names:
            return None
        if name in self.local:
            if name in self.module.statements:
                self.uses.append(Use(Name(self.module.name, name)))
            return self.local[name]
        if name in self.module.statements:
            if (other := self.module.imported.get(name)) and isinstance(other, Name):  # imported where it can be
                self.uses.append(Use(other))
            return Name(self.module.name, name)
        return self.module.imported.get(name)

    def _call(self, node: ast.Call) -> None:
        """Uses that only a call shows."""
        called = last(node.func)
        if called == "import_module":
            if target := imported_module(node):
                self.uses.append(Use(Name(target, WHOLE)))
            elif not self.machinery and not (node.args and isinstance(node.args[0], ast.Constant)):
                self.uses.append(Use(Name(self.module.name, ANY_MODULE)))
        elif called in _REFLECTS and isinstance(node.func, ast.Name):
            self.uses.append(Use(Name(self.module.name, WHOLE)))
        elif called == "study_modules" and not self.machinery:
            self.uses.append(Use(Name("", ANY_STUDY)))
        root, attributes = chain(node.func)
        meant = self._meant(root.id) if isinstance(root, ast.Name) else None
        if isinstance(meant, Name):
            first = next((k.value for k in node.keywords if k.arg == "study"), node.args[0] if node.args else None)
            literal = (first.value,) if isinstance(first, ast.Constant) and isinstance(first.value, str) else ()
            self.uses.append(Use(meant, attributes, literal if not self.machinery or literal else None))
