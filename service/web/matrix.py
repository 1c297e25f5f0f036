"""The table of authorisation: which role may call which operation, as the API's description says it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.access import BOARD_SCOPES, OF_ROLE, OPEN, SCOPES, Role

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation and the permissions that it demands."""

    method: str
    path: str
    summary: str
    needs: frozenset[str]  # empty: it is for everybody

    def allows(self, permissions: frozenset[str]) -> bool:
        """Whether somebody with these permissions may call it."""
        return self.needs <= permissions


def operations(description: Mapping[str, Any]) -> Iterator[Operation]:
    """Read the operations of an OpenAPI document."""
    for path, methods in description["paths"].items():
        for method in METHODS:
            if method in methods:
                told = methods[method]
                schemes = told.get("security", [])
                needs = frozenset(
                    scope for scheme in schemes for scopes in scheme.values() for scope in scopes
                )
                yield Operation(method.upper(), path, told["summary"], needs)


def describe(description: Mapping[str, Any]) -> str:
    """Give the table in Markdown."""
    roles = list(Role)
    lines = [
        f"| operation | | demands | nobody, open | {' | '.join(roles)} | token |",
        "|" + "---|" * (len(roles) + 5),
    ]
    for one in operations(description):
        needs = ", ".join(sorted(one.needs)) or "nothing"
        cells = [
            one.allows(OPEN),
            *(one.allows(OF_ROLE[role]) for role in roles),
            one.needs <= SCOPES | BOARD_SCOPES,
        ]
        told = " | ".join("yes" if cell else "no" for cell in cells)
        lines.append(f"| `{one.method} {one.path}` | {one.summary} | {needs} | {told} |")
    return "\n".join(lines)
