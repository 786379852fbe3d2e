"""What an expression is made of, seen before it runs: allowed forms, known names, the kind of its answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import lark

# What a name holds: a kind ("text", "number", "date", "yes_no", "list"), names of its own, or None: anything.
Scope = Mapping[str, Any]
Node = Any

DEEPEST, MOST_MACROS_WITHIN = 300, 2
MACROS = {"map": 2, "filter": 2, "all": 2, "exists": 2, "exists_one": 2}
METHODS = {
    "size": 0, "contains": 1, "startsWith": 1, "endsWith": 1, "getDate": 0, "getDayOfMonth": 0,
    "getDayOfWeek": 0, "getDayOfYear": 0, "getFullYear": 0, "getMonth": 0,
}  # fmt: skip
FUNCTIONS = {
    "size": "number", "int": "number", "double": "number", "string": "text", "timestamp": "date",
    "date": "date", "duration": "duration", "days": "duration", "has": "yes_no",
}  # fmt: skip
OTHERS = {"member_object", "dot_ident", "dot_ident_arg"}  # messages and packages: there are none
KINDS = {"BOOL_LIT": "yes_no", "STRING_LIT": "text", "MLSTRING_LIT": "text", "INT_LIT": "number"}
ANSWERS = {"relation": "yes_no", "conditionalor": "yes_no", "conditionaland": "yes_no"}


@dataclass(frozen=True)
class Flaw:
    """What is wrong with an expression: a code and what fills its sentence."""

    code: str
    values: dict[str, str] = field(default_factory=dict)


def flaws(tree: Node, scope: Scope) -> tuple[Flaw, ...]:
    """What is wrong with it; nothing of it has run."""
    if any(depth > DEEPEST for _, depth in walk(tree)):
        return (Flaw("cel_too_much"),)
    found: list[Flaw] = []
    for one in _Look(scope).found(tree):
        if one not in found:
            found.append(one)
    return tuple(found)


def walk(tree: Node) -> Iterator[tuple[Node, int]]:
    """Every node with its depth, without recursion: a deep tree must not end the process."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, lark.Tree):
            yield node, depth
            waiting.extend((child, depth + 1) for child in node.children)


class _Look:
    """One look at a tree; macros bring names of their own."""

    def __init__(self, scope: Scope) -> None:
        self.scope = dict(scope)
        self.macros = 0

    def found(self, node: Node) -> Iterator[Flaw]:
        """Flaws in reading order."""
        if not isinstance(node, lark.Tree):
            return
        if node.data in OTHERS:
            yield unknown("." if node.data != "member_object" else "{")
        elif node.data == "literal" and token_of(node) in ("BYTES_LIT", "UINT_LIT"):
            yield unknown(str(node.children[0]))
        elif node.data == "member_dot":
            yield from self.chain(node)
        elif node.data == "member_dot_arg":
            yield from self.method(node)
        elif node.data == "ident_arg":
            yield from self.function(node)
        elif node.data == "ident":
            if str(node.children[0]) not in self.scope:
                yield unknown(str(node.children[0]))
        else:
            for child in node.children:
                yield from self.found(child)

    def chain(self, node: Node) -> Iterator[Flaw]:
        """`form.cost`: each name must be known in the one before it."""
        names = names_of(node)
        if not names:
            yield from self.found(node.children[0])
        elif missing(names, self.scope):
            yield unknown(missing(names, self.scope))

    def function(self, node: Node) -> Iterator[Flaw]:
        """`days(30)`."""
        name, given = str(node.children[0]), arguments(node, 1)
        if name not in FUNCTIONS or len(given) != 1:
            yield unknown(f"{name}()")
        for one in given:
            yield from self.found(one)

    def method(self, node: Node) -> Iterator[Flaw]:
        """`form.name.contains("x")`, or a macro with a name of its own."""
        name, given = str(node.children[1]), arguments(node, 2)
        yield from self.found(node.children[0])
        if name in MACROS and len(given) == MACROS[name]:
            bound = names_of_only(given[0])
            self.macros += 1
            if not bound or bound in self.scope:
                yield unknown(f"{name}()")
            elif self.macros > MOST_MACROS_WITHIN:
                yield Flaw("cel_too_much")
            else:
                self.scope[bound] = None
                yield from self.found(given[1])
                del self.scope[bound]
            self.macros -= 1
            return
        if METHODS.get(name) != len(given):
            yield unknown(f"{name}()")
        for one in given:
            yield from self.found(one)


def unknown(name: str) -> Flaw:
    """A name that says nothing here."""
    return Flaw("cel_unknown", {"name": name[:60]})


def token_of(node: Node) -> str:
    """What sort of literal a node is."""
    return str(node.children[0].type)


def arguments(node: Node, position: int) -> list[Node]:
    """The expressions between the parentheses."""
    return list(node.children[position].children) if len(node.children) > position else []


def names_of(node: Node) -> tuple[str, ...]:
    """`a.b.c` as names; nothing when it does not begin with a name."""
    names: list[str] = []
    while isinstance(node, lark.Tree):
        if node.data == "member_dot":
            names.append(str(node.children[1]))
        elif node.data == "ident":
            names.append(str(node.children[0]))
            return tuple(reversed(names))
        elif len(node.children) != 1 or node.data in ("paren_expr", "list_lit"):
            return ()
        node = node.children[0]
    return ()


def names_of_only(node: Node) -> str:
    """The name that an expression is, when it is nothing but a name."""
    names = names_of(node)
    return names[0] if len(names) == 1 else ""


def missing(names: tuple[str, ...], scope: Scope) -> str:
    """The beginning of a chain that is not known; empty when all of it is."""
    known: Any = scope
    for count, name in enumerate(names, start=1):
        if known is None:
            return ""
        if not isinstance(known, Mapping) or name not in known:
            return ".".join(names[:count])
        known = known[name]
    return ""


def used(tree: Node) -> tuple[str, ...]:
    """The names that an expression asks for, each with what it is asked for: "ticket.status"."""
    found: list[str] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, lark.Tree):
            continue
        names = names_of(node) if node.data in ("member_dot", "ident") else ()
        if names:
            found.append(".".join(names))
        else:
            waiting.extend(reversed(node.children))
    return tuple(dict.fromkeys(found))


def kind_of(tree: Node, scope: Scope) -> str:
    """The kind of the answer where it can be seen; empty where only the values of the day tell."""
    node = tree
    while isinstance(node, lark.Tree):
        if node.data in ANSWERS and len(node.children) > 1:
            return ANSWERS[node.data]
        if node.data == "literal":
            return KINDS.get(token_of(node), "number")
        if node.data in ("member_dot", "ident"):
            return kind_of_name(names_of(node), scope)
        if node.data == "ident_arg":
            return FUNCTIONS.get(str(node.children[0]), "")
        if node.data in ("list_lit", "map_lit"):
            return "list" if node.data == "list_lit" else "map"
        if node.data == "unary" and len(node.children) == 2:
            return "yes_no" if node.children[0].data == "unary_not" else "number"
        if len(node.children) != 1:
            return ""
        node = node.children[0]
    return ""


def kind_of_name(names: tuple[str, ...], scope: Scope) -> str:
    """The kind that a scope gives a name."""
    known: Any = scope
    for name in names:
        if not isinstance(known, Mapping):
            return ""
        known = known.get(name)
    return known if isinstance(known, str) else "map" if isinstance(known, Mapping) else ""
