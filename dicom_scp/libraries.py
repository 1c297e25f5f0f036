"""What pydicom and pynetdicom say: never a value of a header."""

import logging
import warnings

import pydicom.config
from pynetdicom import _config as pynetdicom_config

_LIBRARIES = ("pydicom", "pynetdicom")


class _PlaceOnly(logging.Filter):
    """Replaces a library's message, which may quote a header, by the place that said it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = f"{record.module}:{record.lineno}"
        record.args, record.exc_info, record.exc_text, record.stack_info = (), None, None, None
        return True


def quiet_libraries() -> None:
    """Cap both libraries' loggers at WARNING, keep values out of what is left, and silence their warnings."""
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    pynetdicom_config.LOG_HANDLER_LEVEL = "none"
    pynetdicom_config.STORE_RECV_CHUNKED_DATASET = (
        False  # it would write the object to a temporary file as it came
    )
    for name in list(logging.root.manager.loggerDict):
        library = name.partition(".")[0]
        if library not in _LIBRARIES:
            continue
        logger = logging.getLogger(name)
        if name == library:
            logger.setLevel(logging.WARNING)
        if not any(isinstance(known, _PlaceOnly) for known in logger.filters):
            logger.addFilter(_PlaceOnly())
    for library in _LIBRARIES:
        warnings.filterwarnings("ignore", module=rf"{library}(\..*)?$")
