r"""Reads the TeX of the handbook back into a formula: an independent check that no bracket is missing."""

from __future__ import annotations

import math
import re
from typing import Any

from lib import ops
from lib.factors import fields

TOKEN = re.compile(r"\\[A-Za-z]+|\\\\|[A-Za-zØ]+|\d+(?:\.\d+)?|\S")
INFIX = [["|"], ["&"], ["<", "<=", ">", ">=", "="], ["+", "-"], ["*", "/"]]
SPELLED = {r"\vee": "|", r"\wedge": "&", r"\lt": "<", r"\le": "<=", r"\gt": ">", r"\ge": ">=", r"\cdot": "*"}
#: names that two primitives share: with days below the one over time, else the one across stocks
PREFIXES = ("ts_", "cs_", "")


def parse(tex: str) -> Any:
    """The formula that a text of TeX says."""
    # an escaped underscore or space belongs to a name; sizes of brackets say nothing
    text = re.sub(r"(?<!\\)\\[_ ]", "Ø", tex)
    text = text.replace(r"\biggl|", r"\lvert ").replace(r"\biggr|", r"\rvert ")
    text = re.sub(r"\\biggl|\\biggr", "", text)
    reader = Reader(re.sub(r"\{\} ", "", text))
    found = reader.infix(0)
    assert not reader.tokens, f"left over: {' '.join(reader.tokens)}"
    return found


class Reader:
    """Recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self.tokens = [SPELLED.get(token, token) for token in TOKEN.findall(text)]

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, expected: str | None = None) -> str:
        token = self.tokens.pop(0)
        assert expected in (None, token), f"{token} instead of {expected} before {' '.join(self.tokens[:8])}"
        return token

    def infix(self, level: int) -> Any:
        if level == len(INFIX):
            return self.power()
        left = self.infix(level + 1)
        while self.peek() in INFIX[level]:
            symbol = self.take()
            right = self.infix(level + 1)
            left = ops.equal(left, right) if symbol == "=" else apply(symbol, left, right)
        return left

    def power(self) -> Any:
        if self.peek() == "-":
            self.take()
            inner = self.power()
            return -inner
        base = self.atom()
        while self.peek() == "^":
            self.take()
            self.take("{")
            signed = self.peek() == r"\langle"
            if signed:
                self.take()
            exponent = self.infix(0)
            if signed:
                self.take(r"\rangle")
            self.take("}")
            base = (ops.signedpower if signed else ops.power)(base, exponent)
        return base

    def atom(self) -> Any:
        token = self.take()
        if token[0].isdigit():
            return self.constant(token)
        if token == r"\ln":
            return math.log(int(self.take()))
        pairs = {"(": ")", "[": "]", r"\lvert": r"\rvert"}
        if token in pairs:
            inner = self.infix(0)
            self.take(pairs[token])
            return ops.abs(inner) if token == r"\lvert" else inner
        return {r"\dfrac": self.fraction, r"\mathit": self.field, r"\operatorname": self.call, r"\Delta": self.delta,
                r"\begin": self.cases}[token]()  # fmt: skip

    def constant(self, digits: str) -> float | int:
        value = float(digits) if "." in digits else int(digits)
        if self.tokens[:2] == ["*", "10"] and self.tokens[2] == "^":
            power = "".join(self.tokens[4 : self.tokens.index("}")])
            del self.tokens[: self.tokens.index("}") + 1]
            return float(f"{value}e{power}")
        return value

    def braces(self) -> Any:
        self.take("{")
        inner = self.infix(0)
        self.take("}")
        return inner

    def fraction(self) -> Any:
        above = self.braces()
        return apply("/", above, self.braces())

    def field(self) -> Any:
        name = self.word()
        node = getattr(fields, name)
        if self.tokens[:2] == ["_", "{"]:
            del self.tokens[:2]
            self.take("t")
            self.take("-")
            node = ops.delay(node, int(self.take()))
            self.take("}")
        return node

    def word(self) -> str:
        self.take("{")
        name = self.take().replace("Ø", "_")
        self.take("}")
        return name

    def below(self) -> list[Any]:
        """The subscript of a name: numbers, a field, or an interval."""
        if self.peek() != "_":
            return []
        self.take()
        self.take("{")
        inner = self.tokens[: self.tokens.index("}")]
        if inner[0] == r"\mathit":
            self.take()
            found = [self.field()]
            self.take("}")
            return found
        del self.tokens[: len(inner) + 1]
        text = "".join(inner).strip("[]")
        return [math.log(int(t[3:])) if t.startswith(r"\ln") else rational(t) for t in text.split(",")]

    def arguments(self) -> list[Any]:
        self.take("(")
        found = [self.infix(0)]
        while self.peek() == ",":
            self.take()
            found.append(self.infix(0))
        self.take(")")
        return found

    def call(self) -> Any:
        name, below, arguments = self.word(), self.below(), self.arguments()
        if name == "if":
            return ops.where(*arguments)
        if name == "neutral":
            return ops.group_neutralize(*arguments, *below)
        if name == "scale":
            return ops.cs_scale(*arguments, *below)
        known = [prefix + name for prefix in PREFIXES if prefix + name in ops.PRIMITIVES]
        wanted = [n for n in known if bool(ops.PRIMITIVES[n].parameter_names) == bool(below)]
        return ops.PRIMITIVES[wanted[0]](*arguments, *below)

    def delta(self) -> Any:
        below = self.below()
        return ops.delta(*self.arguments(), *below)

    def cases(self) -> Any:
        assert self.word() == "cases"
        then = self.infix_until("&")
        self.take("&")
        condition = self.infix(0)
        self.take("\\\\")
        otherwise = self.infix_until("&")
        for expected in ("&", r"\text", "{", "else", "}", r"\end", "{", "cases", "}"):
            self.take(expected)
        return ops.where(condition, then, otherwise)

    def infix_until(self, _: str) -> Any:
        return self.infix(2)  # above & and |, which in a case only a bracket may hold


def rational(text: str) -> float | int:
    if "/" in text:
        above, below = text.split("/")
        return int(above) / int(below)
    return float(text) if "." in text or "e" in text else int(text)


def apply(symbol: str, left: Any, right: Any) -> Any:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    assert not numbers or symbol == "/", "two constants"
    operate = {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
        "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
        "&": lambda a, b: a & b, "|": lambda a, b: a | b,
    }  # fmt: skip
    return operate[symbol](left, right)
