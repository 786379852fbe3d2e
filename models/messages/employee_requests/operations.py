"""What catalogue items may ask of outside systems: typed operations, each with the one that takes it back."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Operation:
    """`connector.name` with its parameters; kinds are "text", "number", "money", "date", "yes_no", "list"."""

    connector: str
    name: str
    parameters: dict[str, str] = field(default_factory=dict)  # name: kind
    optional: tuple[str, ...] = ()  # names of parameters that may be left out
    results: dict[str, str] = field(default_factory=dict)  # what `steps.<id>.result` holds afterwards
    undo: str = ""  # the operation that takes it back; empty: it cannot be taken back
