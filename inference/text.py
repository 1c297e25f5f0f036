"""What is said to people, in the languages of the console."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self


class Text(str):
    """A sentence or a name in English, with its German beside it.

    It is its English: reports, webhooks, logs and the API's own fields say it so. What makes another string of it
    loses the German; where both are wanted a field is a `Text`, and a type checker sees the loss.
    """

    __slots__ = ("de",)
    de: str

    def __new__(cls, en: str, de: str) -> Self:
        """Say it in both."""
        text = super().__new__(cls, en)
        text.de = de
        return text

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # copied and pickled with its German
        return str(self), self.de

    @property
    def inside(self) -> "Text":
        """As it stands within a sentence: German titles begin with a noun, which keeps its capital."""
        return Text(self.lower(), self.de)

    @property
    def begun(self) -> "Text":
        """As it stands at the beginning of a sentence."""
        return Text(self[:1].upper() + self[1:], self.de[:1].upper() + self.de[1:])

    def filled(self, values: Mapping[str, str]) -> "Text":
        """Put values in place of the names in braces, each in its own language. Raises KeyError."""
        told = {name: german(value) for name, value in values.items()}
        return Text(self.format_map(values), self.de.format_map(told))


UNSAID = Text("", "")


def german(text: str) -> str:
    """Give the German of a text; what is no `Text` (a name, a number) is the same in both."""
    return text.de if isinstance(text, Text) else text


def joined(between: str, texts: Iterable[str]) -> Text:
    """Put texts together."""
    kept = tuple(texts)
    return Text(between.join(kept), between.join(map(german, kept)))


def decimal(written: str) -> Text:
    """Write a number, as in "1.5" or "41 %": German has a decimal comma."""
    return Text(written, written.replace(".", ","))


def with_german(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Give plain values: those of these names in English, and again in German under `de`."""
    return {**values, "de": {name: _german(values[name]) for name in names}}


def texts_of(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Rebuild what `with_german` was given."""
    told = values.get("de", {})
    read = {
        name: (kept if isinstance(values[name], str) else all_kept)(values[name], told.get(name))
        for name in names
        if name in values
    }
    return {name: value for name, value in values.items() if name != "de"} | read


def _german(told: Any) -> Any:  # noqa: ANN401 - a text, or several in a list or by name
    if isinstance(told, Mapping):
        return {name: _german(one) for name, one in told.items()}
    return german(told) if isinstance(told, str) else [_german(one) for one in told]


def kept(en: str, de: str | None) -> Text:
    """Rebuild a text that was kept in both languages; without German it is English in both."""
    return Text(en, de or en)


def all_kept(en: Sequence[str], de: Sequence[str] | None) -> tuple[Text, ...]:
    """Rebuild several."""
    return tuple(map(kept, en, de or en))
