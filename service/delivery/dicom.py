"""A PACS as a destination: C-STORE, C-FIND before what is old, storage commitment after what was sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # made at import

from dicom_scp.commitment_report import TakeReport, nobody_asked
from service.delivery.base import DUPLICATE, Answer, Letter, Study, Undelivered
from service.delivery.commitment import ANSWERS_AT_ONCE_S, CONTEXT, Reports, request_commitment
from service.scu import Context, NoAssociation, Rejected, associate
from service.tls import BadCertificate, TlsFiles, client_context

FIND = "1.2.840.10008.5.1.4.1.2.2.1"  # Study Root Query/Retrieve Information Model
WARNINGS = range(0xB000, 0xC000)  # PS3.7, C.1.2: stored, with something to say
PENDING = frozenset({0xFF00, 0xFF01})
NOT_ALLOWED = frozenset({0x0122, 0x0124})  # PS3.7, C.5: SOP class not supported, not authorized
CONNECT_S = 5.0
ANSWER_S = 30.0
NO_CONTEXT = "the destination accepts no {} of this transfer syntax"


@dataclass(frozen=True, slots=True)
class Pacs:
    """A PACS that takes results by C-STORE."""

    name: str
    host: str
    port: int
    ae_title: str
    calling_ae_title: str
    tls: TlsFiles | None = None  # read for each association: they may be replaced
    doubts_after_s: float | None = None
    commits: bool = False  # it is asked to say that it keeps what it took
    take_report: TakeReport = nobody_asked  # what is reported on the association that asked

    def open(self, letters: Sequence[Letter]) -> "Line":
        """Associate, with one presentation context for each class and syntax. Raises Undelivered."""
        reports = Reports(self.take_report)
        contexts = {letter.context() for letter in letters}
        if self.commits:
            contexts.add(CONTEXT)
        return Line(self._open(contexts, reports), reports, self.commits)

    def tried(self) -> tuple[bool, str]:
        """Ask by C-ECHO."""
        try:
            association = self._open({(str(Verification), ImplicitVRLittleEndian)}, answer_s=CONNECT_S)
            status: int | None = getattr(association.send_c_echo(), "Status", None)
        except Undelivered as error:
            return False, f"C-ECHO failed: {error}"
        except (RuntimeError, ValueError):
            return False, "C-ECHO failed: it is not accepted"
        _release(association)
        if status is None:
            return False, "C-ECHO failed: no answer"
        return status == 0x0000, "C-ECHO answered" if status == 0x0000 else f"C-ECHO failed: 0x{status:04X}"

    def doubt(self, study: Study) -> str:
        """Ask by C-FIND, study root. Raises Undelivered."""
        asked: set[Context] = {
            (str(uid), ImplicitVRLittleEndian) for uid in (FIND, Verification)
        }  # of two, one may be refused
        association = self._open(asked)
        try:
            if all(context.abstract_syntax != FIND for context in association.accepted_contexts):
                return ""
            return study.doubt(list(_found(association, study)))
        except _NoQuery:
            return ""
        finally:
            _release(association)

    def _open(
        self, contexts: set[Context], reports: Reports | None = None, answer_s: float = ANSWER_S
    ) -> Association:
        address, titles = (self.host, self.port), (self.ae_title, self.calling_ae_title)
        handlers = reports.handlers() if reports is not None else []
        try:
            tls = None if self.tls is None else client_context(self.tls)
            return associate(
                contexts, address, titles, connect_s=CONNECT_S, answer_s=answer_s, tls=tls, handlers=handlers
            )
        except BadCertificate as error:
            raise Undelivered("our certificate, key or CA cannot be used") from error
        except Rejected as error:
            raise Undelivered(str(error)) from error
        except NoAssociation as error:
            raise Undelivered("no association") from error


class _NoQuery(Exception):
    """The destination does not answer queries."""


def _found(association: Association, study: Study) -> Iterator[Study]:
    """Give the studies of this UID that the destination knows. Raises Undelivered and _NoQuery."""
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = study.uid
    query.PatientID = query.IssuerOfPatientID = ""
    try:
        for status, identifier in association.send_c_find(query, FIND):
            code: int | None = getattr(status, "Status", None)
            if code in NOT_ALLOWED:
                raise _NoQuery
            if code in PENDING and identifier is not None:
                yield Study.of(identifier)
            elif code != 0x0000:
                said = "no answer" if code is None else f"0x{code:04X}"
                raise Undelivered(f"the query for the study failed: {said}")
    except (RuntimeError, ValueError) as error:
        raise Undelivered("the query for the study failed: association lost") from error


@dataclass(frozen=True, slots=True)
class Line:
    """An open association."""

    association: Association
    reports: Reports
    commits: bool = False

    def deliver(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
        """Send objects by C-STORE. Raises Undelivered where the association is lost."""
        for letter in letters:
            yield letter, self._stored(letter)

    def commit(self, transaction: str, objects: Mapping[str, str]) -> None:
        """Ask that objects (SOP Instance UID -> SOP Class UID) be kept, and take a report that comes at once.

        Raises Undelivered.
        """
        request_commitment(self.association, transaction, objects)
        self.reports.came.wait(ANSWERS_AT_ONCE_S)

    def close(self) -> None:
        """Release the association."""
        _release(self.association)

    def _stored(self, letter: Letter) -> Answer:
        dataset = dcmread(BytesIO(letter.content))
        try:
            answer = self.association.send_c_store(dataset)
        except ValueError:  # no accepted context: this object only
            return Answer(NO_CONTEXT.format(letter.kind), taken=False)
        except RuntimeError as error:  # aborted meanwhile
            raise Undelivered("association lost") from error
        status: int | None = getattr(answer, "Status", None)
        if status is None:
            raise Undelivered("no answer")
        taken = status in {0x0000, DUPLICATE} or status in WARNINGS
        return Answer(f"0x{status:04X}", taken=taken)


def _release(association: Association) -> None:
    if association.is_established:
        association.release()
