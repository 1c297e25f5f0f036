"""What a site accepts when it goes live: the thresholds of its settings and the model, and nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from service.rules import Thresholds


@dataclass(frozen=True, slots=True)
class Accepted:
    """What verdicts are made by."""

    thresholds: Mapping[str, float]
    model: str  # its SHA-256

    @classmethod
    def of(cls, thresholds: Thresholds, model_sha256: str) -> "Accepted":
        """Take it from where it is in use."""
        return cls(asdict(thresholds), model_sha256)

    def told(self) -> dict[str, Any]:
        """Give it as it is kept."""
        return {"thresholds": dict(self.thresholds), "model": self.model}

    def digest(self) -> str:
        """Give what tells it from any other."""
        return hashlib.sha256(json.dumps(self.told(), sort_keys=True).encode()).hexdigest()
