"""The ledger: the only room that knows SQL. A method is one transaction is one thing that happened."""

from service.ledger.bands import Bands
from service.ledger.boards import Boards
from service.ledger.callers import Callers
from service.ledger.closings import Closings, Judgement, OpenSeries
from service.ledger.commitments import Commitments
from service.ledger.control import Control
from service.ledger.database import Bell, Database, LedgerUnavailable
from service.ledger.deid import DeidTally
from service.ledger.desk import Deed, Desk, Done, Selected
from service.ledger.disputes import Dispute, Disputes, NoDispute
from service.ledger.drifts import Drifts
from service.ledger.exams import ExamEnded, ExamKnown, ExamNote, Exams, ExamState, ExamUnknown
from service.ledger.identities import Identities
from service.ledger.intake import Arrival, Intake, Outcome
from service.ledger.leases import LeaseLost, Worker
from service.ledger.nodes import NodeBook
from service.ledger.order import ScoredRow
from service.ledger.outbox import Delivery, Outbox, retry_after
from service.ledger.places import Placed, Places, Unplaced
from service.ledger.reports import Documents, InstanceRow, Parcel, Reports, ReportTask
from service.ledger.review import ReviewBook
from service.ledger.schema import UnfitSchema, prepare, upgrade
from service.ledger.scoring import Scoring, SliceNote, SliceTask
from service.ledger.search import Search
from service.ledger.states import DeliveryState, SeriesState, SliceState
from service.ledger.trends import Trends
from service.ledger.upkeep import Installation, Upkeep
from service.ledger.views import Views

__all__ = [
    "Arrival",
    "Bands",
    "Bell",
    "Boards",
    "Callers",
    "Closings",
    "Commitments",
    "Control",
    "Database",
    "Deed",
    "DeidTally",
    "Delivery",
    "DeliveryState",
    "Desk",
    "Dispute",
    "Disputes",
    "Documents",
    "Done",
    "Drifts",
    "ExamEnded",
    "ExamKnown",
    "ExamNote",
    "ExamState",
    "ExamUnknown",
    "Exams",
    "Identities",
    "Installation",
    "InstanceRow",
    "Intake",
    "Judgement",
    "LeaseLost",
    "LedgerUnavailable",
    "NoDispute",
    "NodeBook",
    "OpenSeries",
    "Outbox",
    "Outcome",
    "Parcel",
    "Placed",
    "Places",
    "ReportTask",
    "Reports",
    "ReviewBook",
    "ScoredRow",
    "Scoring",
    "Search",
    "Selected",
    "SeriesState",
    "SliceNote",
    "SliceState",
    "SliceTask",
    "Trends",
    "UnfitSchema",
    "Unplaced",
    "Upkeep",
    "Views",
    "Worker",
    "prepare",
    "retry_after",
    "upgrade",
]
