"""What rules may name: destinations, PACS and channels of the settings."""

from dataclasses import dataclass

from service.routing.rulebook import CONSOLE
from service.settings import Settings
from service.settings_tables import DicomDestination


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the settings, in their order."""

    destinations: tuple[str, ...] = ()
    pacs: tuple[str, ...] = ()  # of the destinations those that can be asked by C-MOVE
    channels: tuple[str, ...] = (CONSOLE,)
    scanners: tuple[str, ...] = ()  # of scanners that have a name; rules may name others

    @classmethod
    def of(cls, settings: Settings) -> "Names":
        """Take them from the settings."""
        return cls(
            destinations=settings.destination_names,
            pacs=tuple(one.name for one in settings.destination if isinstance(one, DicomDestination)),
            channels=(CONSOLE, *(one.name for one in settings.alert)),
            scanners=tuple(one.name for one in settings.scanner),
        )
