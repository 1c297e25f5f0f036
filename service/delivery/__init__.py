"""Step five: results leave for their destinations; a dead one holds up nobody else."""

from service.delivery.base import Answer, Courier, Destination, Letter, Study, Undelivered
from service.delivery.dicom import Pacs
from service.delivery.folder import Folder, file_name
from service.delivery.postman import Postman
from service.delivery.research import ResearchStore
from service.delivery.shelf import ShelfSpace
from service.delivery.stow import Credentials, StowServer

__all__ = [
    "Answer",
    "Courier",
    "Credentials",
    "Destination",
    "Folder",
    "Letter",
    "Pacs",
    "Postman",
    "ResearchStore",
    "ShelfSpace",
    "StowServer",
    "Study",
    "Undelivered",
    "file_name",
]
