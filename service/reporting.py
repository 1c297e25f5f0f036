"""Step four: the results of a closed series are built, sealed and put into the outbox, the report first."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicom_scp.identity import Vault, WrongKey
from dicom_scp.instance import header_dataset, parse_reference
from dicom_scp.spool import Spool
from inference.eye import MaskStack
from inference.image import Slice, UnreadableImage
from inference.score import SliceScore
from service.forms import RESULT_KINDS, Form, SendWhen
from service.judging import is_skipped_kind, sum_up
from service.ledger import Closings, Documents, Parcel, Reports, ReportTask, ScoredRow
from service.ledger.actions import HELD_BY_RULE
from service.operating.acceptance import Accepted
from service.reception import header_context, reference_context
from service.report.bundle import DOCUMENTS, Bundle, Made
from service.report.result import Predecessor, Product, Result, ScoredSlice, Source, SourceInstance
from service.research import Curator, Reported, Repository
from service.rules import Verdict
from service.understanding import described


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one destination wants."""

    destination: str
    form: Form
    send: SendWhen = "always"
    bundle: bool = False  # it takes a study when that is over


@dataclass(frozen=True, slots=True)
class Reporter:
    """Builds results under the original identity, which leaves the vault for as long as that takes."""

    reports: Reports
    closings: Closings
    vault: Vault
    spool: Spool
    outbox: Spool
    subscriptions: Callable[[], Sequence[Subscription]]  # in force now
    curator: Curator
    repositories: Callable[[], Sequence[Repository]]
    product: Product

    def report_next(self) -> bool:
        """Report one complete series; False if none waits. Raises LeaseLost."""
        task = self.reports.claim_report()
        if task is None:
            return False
        with self.reports.holding(task):
            self._report(task)
        return True

    def _report(self, task: ReportTask) -> None:
        rows = self.closings.scored_rows(task.uid, task.generation)
        documents = task.documents
        wanted = [one for one in self.subscriptions() if _is_wanted(task, one) or _misleads(one, documents)]
        repositories = [one for one in self.repositories() if _is_wanted(task, one)]
        if not (wanted or repositories) or is_skipped_kind(rows):
            self.reports.reported(task, (), documents)
            return
        result = self._result(task, rows)
        scored = [row for row in rows if row.score is not None]
        bundles = {
            one: Bundle(result, one.form, _former(one, task.there), lambda n: self._picture(scored[n]))
            for one in wanted
        }
        sent: dict[str, dict[str, Predecessor]] = {}
        for kind in RESULT_KINDS:  # the report leaves before the rest is built
            parcels = []
            for one in wanted:
                for made in bundles[one].make(kind):
                    parcels.append(self._parcel(task, one, made))
                    if kind in DOCUMENTS:
                        sent.setdefault(one.destination, {})[kind] = made.name
            if parcels:
                self.reports.posted(task, parcels)
        self.reports.reported(task, self._exports(task, result, rows, repositories), {**documents, **sent})

    def _exports(
        self, task: ReportTask, result: Result, rows: Sequence[ScoredRow], repositories: Sequence[Repository]
    ) -> list[Parcel]:
        """Build what research destinations get; last, for the technologist's PACS does not wait for it."""
        if not repositories:
            return []
        instances = self.reports.instances_of(task.uid, task.generation)
        series = Reported(task.uid, task.patient, result, rows, instances)
        return [
            replace(parcel, held=_held(task, one.destination))
            for one in repositories
            for parcel in self.curator.parcels(one, series, self.reports.posted_before(task, one.destination))
        ]

    def _parcel(self, task: ReportTask, subscription: Subscription, made: Made) -> Parcel:
        return Parcel(
            destination=subscription.destination,
            kind=made.kind,
            rank=0 if made.kind == "SR" else 1,
            sop_instance_uid=made.name.sop_instance_uid,
            name=self.outbox.write(made.content, hashlib.sha256(made.content).hexdigest()),
            bundle=subscription.bundle,
            held=_held(task, subscription.destination),
        )

    def _result(self, task: ReportTask, rows: Sequence[ScoredRow]) -> Result:
        scored = [row for row in rows if row.score is not None]
        quality = sum_up(rows)
        source, places = self._source(task)
        masks = self.reports.masks_of(task.uid)
        slices = tuple(
            ScoredSlice(
                position=places[row.instance_id],
                frame=row.frame,
                tile=row.tile,
                score=replace(SliceScore.from_json(dict(row.score or {})), place=row.place),
                masks=_unpacked(masks.get((row.instance_id, row.frame, row.tile))),
            )
            for row in scored
        )
        return Result(
            source=source,
            quality=quality,
            slices=slices,
            verdict=task.verdict,
            reason=task.reason,
            advice=tuple(task.advice),
            product=judged_by(self.product, task.judging),
            created=datetime.fromtimestamp(task.closed_at, UTC).astimezone(),
            generation=task.generation,
            identity_revision=task.identity_revision,
            about=described(task.facts),
            picture=None if quality.worst is None else self._picture(scored[quality.worst]),
        )

    def _source(self, task: ReportTask) -> tuple[Source, dict[int, int]]:
        """Give the series under its original identity, and each instance row's place in it."""
        instances = self.reports.instances_of(task.uid, task.generation)
        own = self.reports.headers_of(task.uid)
        sources: list[SourceInstance] = []
        for number, row in enumerate(instances, 1):
            sealed = own.get(row.sop_instance_uid)
            header = None if sealed is None else self._header(sealed, row.sop_instance_uid)
            opened = self.vault.open(row.reference, reference_context(row.sop_instance_uid))
            sources.append(_source_instance(opened, number, header))
        places = {row.id: place for place, row in enumerate(instances)}
        return Source(self._header(task.header, task.uid), tuple(sources)), places

    def _header(self, sealed: bytes, uid: str) -> Dataset:
        return header_dataset(self.vault.open(sealed, header_context(uid)))

    def _picture(self, row: ScoredRow) -> NDArray[np.float32] | None:
        """Give the pixels of a slice, None where they cannot be had any more."""
        try:
            return Slice.from_dataset(
                dcmread(BytesIO(self.spool.read(row.spool_name))), row.frame, row.tile
            ).pixels
        except (FileNotFoundError, WrongKey, UnreadableImage):
            return None


def judged_by(product: Product, judging: Mapping[str, Any] | None) -> Product:
    """Let the product say by which thresholds it judged a series; another result comes of others."""
    if judging is None:
        return product
    thresholds = judging["thresholds"]
    origin = f"accepted version {judging['version']} of its protocol" if judging["version"] else "settings"
    words = "; ".join(f"{name} {value:g}" for name, value in thresholds.items())
    return replace(
        product,
        config_digest=Accepted(thresholds, product.model_sha256).digest(),
        parameters=(f"thresholds {words} ({origin})",),
    )


def _source_instance(encoded: bytes, number: int, header: Dataset | None) -> SourceInstance:
    reference = parse_reference(encoded)
    position, orientation, spacing = reference.position, reference.orientation, reference.spacing
    return SourceInstance(
        sop_class_uid=reference.sop_class_uid,
        sop_instance_uid=reference.sop_instance_uid,
        instance_number=reference.instance_number or number,
        frames=reference.frames,
        rows=reference.rows,
        columns=reference.columns,
        position=None if position is None else (position[0], position[1], position[2]),
        orientation=None if orientation is None else orientation[:6],  # type: ignore[arg-type] # six by definition
        spacing=_pair(spacing),
        frame_of_reference_uid=reference.frame_of_reference_uid,
        window=_pair(reference.window),
        rescale=_pair(reference.rescale),
        header=header,
    )


def _pair(values: tuple[float, ...] | None) -> tuple[float, float] | None:
    return None if values is None else (values[0], values[1])


def _unpacked(packed: bytes | None) -> MaskStack | None:
    return None if packed is None else MaskStack.unpack(packed)


def _is_wanted(task: ReportTask, receiver: Subscription | Repository) -> bool:
    """Tell whether a destination gets the results: as the site's rules say or, where they say nothing, as it is set."""
    route = task.routes.get(receiver.destination)
    if route is not None and route.send is not None:
        return route.send
    return receiver.send == "always" or (receiver.send == "problems" and task.verdict != Verdict.USABLE)


def _held(task: ReportTask, destination: str) -> str:
    """Say why results wait for a person before they leave, "" where they do not."""
    route = task.routes.get(destination)
    return f"{HELD_BY_RULE}{route.holder}" if route is not None and route.hold else ""


def _misleads(subscription: Subscription, documents: Documents) -> bool:
    """Tell whether a destination that would get nothing has, or is to get, a report that holds no more."""
    return subscription.destination in documents


def _former(subscription: Subscription, there: Documents) -> dict[str, Predecessor]:
    """Name the documents that a destination has of earlier generations."""
    return {kind: Predecessor(*names) for kind, names in there.get(subscription.destination, {}).items()}
