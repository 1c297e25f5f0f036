"""Every storage SOP class, because one refused context fails the whole job of some scanners."""

from pydicom._uid_dict import UID_dictionary  # the one list there is
from pynetdicom import register_uid
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import uid_to_service_class

PHILIPS = {  # sent among the images by Philips scanners
    "1.3.46.670589.11.0.0.12.2": "PhilipsMRSeriesDataStorage",
    "1.3.46.670589.11.0.0.12.4": "PhilipsMRExamcardStorage",
}
_NOT_OBJECTS = ("Commitment", "Media Storage Directory")


def _of_the_standard() -> dict[str, str]:
    return {
        uid: keyword or f"StorageClass{uid.replace('.', '_')}"
        for uid, (name, kind, _, _, keyword) in UID_dictionary.items()
        if kind == "SOP Class" and " Storage" in name and not any(word in name for word in _NOT_OBJECTS)
    }


_KEYWORDS = {**_of_the_standard(), **PHILIPS}
STORAGE_CLASSES = tuple(sorted(_KEYWORDS))


def teach_pynetdicom() -> None:
    """Register the classes that pynetdicom does not know as storage (retired and private ones)."""
    for uid, keyword in _KEYWORDS.items():
        if uid_to_service_class(uid) is ServiceClass:
            register_uid(uid, keyword, StorageServiceClass)
