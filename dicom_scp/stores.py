"""C-STORE without the detour: requests read and answers written as bytes, where pynetdicom builds data sets.

A command set has seven elements; as pydicom data sets, request and answer cost more than the whole
de-identification. Everything else that is asked goes to pynetdicom, and so does C-STORE where `Listener` is told to
(`event_waits=False`).
"""

import struct
from dataclasses import dataclass
from io import BytesIO
from queue import Queue
from typing import cast

from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu_primitives import P_DATA

from dicom_scp.deidentify import Announced
from dicom_scp.elements import IMPLICIT, Walker
from dicom_scp.errors import NotUnderstood
from dicom_scp.guard import CappedMessages, Counted
from dicom_scp.header import Header
from dicom_scp.waits import WaitingAssociation

# PS3.7, annex E.1
_SOP_CLASS_UID, _COMMAND, _MESSAGE_ID, _ANSWERED_ID = 0x0002, 0x0100, 0x0110, 0x0120
_DATA_SET_TYPE, _STATUS, _SOP_INSTANCE_UID = 0x0800, 0x0900, 0x1000
_C_STORE_RQ, _C_STORE_RSP, _NO_DATA_SET = 0x0001, 0x8001, 0x0101
_CONTEXT_UNKNOWN = 0x0122  # PS3.7, 9.1.1.1.9: SOP class not supported
_COMMAND_BIT, _LAST_BIT = 1, 2  # PS3.8, annex E.2
_LONGEST_UID = 64
_LONGEST_COMMAND = 4096


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """A C-STORE request that came in whole."""

    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    data_set: bytes


class StoreMessages(CappedMessages):
    """Puts C-STORE requests together itself, and leaves all other messages to the stock class."""

    _header: Header | None = None  # the command set of the request that is coming in
    _data_set: BytesIO | None = None

    def is_coming(self) -> bool:
        """Tell whether a message is half here."""
        return self._header is not None or super().is_coming()

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the next part of a message."""
        values = primitive.presentation_data_value_list
        if self._header is None and (self.message is not None or not self._begins(values)):
            super().receive_primitive(primitive)
            return
        for context_id, value in values:
            if value[0] & _COMMAND_BIT:
                continue  # read when the message began; a second one within a message says nothing
            self._take(context_id, value)

    def _begins(self, values: list[tuple[int, bytes]]) -> bool:
        """Tell whether a C-STORE request begins here, its command set in one piece."""
        first = values[0][1] if values else b""
        if len(first) > _LONGEST_COMMAND or not first or first[0] & 3 != _COMMAND_BIT | _LAST_BIT:
            return False
        walker = Walker(first[1:], explicit=False)
        try:
            header = Header(walker, {element.tag: element for element in walker.top()})
        except NotUnderstood:
            return False
        if header.integer(_COMMAND, b"US") != _C_STORE_RQ or header.integer(_MESSAGE_ID, b"US") is None:
            return False
        if header.integer(_DATA_SET_TYPE, b"US") in {None, _NO_DATA_SET}:
            return False
        self._header, self._data_set = header, BytesIO()
        return True

    def _take(self, context_id: int, value: bytes) -> None:
        header, data_set = self._header, self._data_set
        if header is None or data_set is None:  # more after the end of a message
            self.dul.event_queue.put("Evt19")
            return
        if data_set.tell() + len(value) > self.most:
            self._header = self._data_set = None
            self.give_up(data_set.tell() + len(value))
            return
        data_set.write(memoryview(value)[1:])
        if value[0] & _LAST_BIT:
            request = StoreRequest(
                message_id=header.integer(_MESSAGE_ID, b"US") or 0,
                sop_class_uid=header.text(_SOP_CLASS_UID),
                sop_instance_uid=header.text(_SOP_INSTANCE_UID),
                data_set=data_set.getvalue(),
            )
            self._header = self._data_set = None
            cast("Queue[object]", self.msg_queue).put((context_id, request))

    def answer(self, request: StoreRequest, context_id: int, status: int) -> None:
        """Send the C-STORE response."""
        elements = [
            (_COMMAND, struct.pack("<H", _C_STORE_RSP)),
            (_ANSWERED_ID, struct.pack("<H", request.message_id)),
            (_DATA_SET_TYPE, struct.pack("<H", _NO_DATA_SET)),
            (_STATUS, struct.pack("<H", status)),
        ]
        for number, uid in (
            (_SOP_CLASS_UID, request.sop_class_uid),
            (_SOP_INSTANCE_UID, request.sop_instance_uid),
        ):
            if 0 < len(uid) <= _LONGEST_UID:  # both may be left out
                elements.append((number, uid.encode("ascii") + b"\0" * (len(uid) % 2)))
        command = b"".join(IMPLICIT.pack(0, number, len(value)) + value for number, value in sorted(elements))
        length = IMPLICIT.pack(0, 0, 4) + struct.pack("<L", len(command))
        primitive = P_DATA()
        primitive.presentation_data_value_list = []
        primitive.presentation_data_value_list.append((context_id, b"\x03" + length + command))
        self.dul.send_pdu(primitive)


class StoringAssociation(Counted, WaitingAssociation):
    """An association that waits instead of polling, and stores without the detour."""

    messages_class = StoreMessages

    def _serve_request(self, msg: object, context_id: int) -> None:
        """Serve one request."""
        if not isinstance(msg, StoreRequest):
            super()._serve_request(cast("C_ECHO", msg), context_id)
            return
        context = self._accepted_cx.get(context_id)
        status = _CONTEXT_UNKNOWN
        if context is not None:
            announced = Announced(msg.sop_class_uid, msg.sop_instance_uid, self.requestor.ae_title)
            status = self.store(self, announced, msg.data_set, str(context.transfer_syntax[0]))
        cast("StoreMessages", self.messages).answer(msg, context_id, status)
