"""Dates that an option lets stay: kept where they are dates, or moved by whole days so that intervals stay."""

import re
from datetime import date, timedelta

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_HOUR, _MINUTE, _SECOND = "([01]\\d|2[0-3])", "[0-5]\\d", "([0-5]\\d|60)(\\.\\d{1,6})?"
_FORMS = {  # PS3.5, table 6.2-1
    b"DA": re.compile(r"\d{4}\.?\d{2}\.?\d{2}"),
    b"TM": re.compile(f"{_HOUR}(:?{_MINUTE}(:?{_SECOND})?)?"),
    b"DT": re.compile(rf"\d{{4}}(\d{{2}}(\d{{2}}({_HOUR}({_MINUTE}({_SECOND})?)?)?)?)?([+-]\d{{4}})?"),
}


def well_formed(vr: bytes, value: str) -> bool:
    """Tell whether every value is a date or time of its representation; other representations are not judged."""
    form = _FORMS.get(vr)
    return form is None or all(not part.strip() or form.fullmatch(part.strip()) for part in value.split("\\"))


def shifted(vr: bytes, value: str, days: int) -> str | None:
    """Move dates by `days`; times stay, for whole days do not change them. None where a value is no date."""
    if not well_formed(vr, value):
        return None
    if vr == b"TM":
        return value
    moved = [_moved(part.strip(), days) if part.strip() else "" for part in value.split("\\")]
    return None if None in moved else "\\".join(part or "" for part in moved)


def _moved(value: str, days: int) -> str | None:
    found = _DATE.match(value)
    if found is None:  # a year or a month alone cannot be moved by days
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) + timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{day.year:04}{day.month:02}{day.day:02}{value[found.end() :]}"
