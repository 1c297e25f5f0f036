"""How far a slice lies from what a network was trained on: the Mahalanobis distance of its pooled features.

Lee et al., NeurIPS 2018, with one cloud for all (a slice may hold several artifacts) and a shrunken covariance.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.network import Network

SHRINKAGE = 0.1  # of the covariance towards its diagonal
QUIETEST = 1e-3  # SD below which a feature says nothing
PART = 16  # slices at a time


class Outlier(nn.Module):
    """Features (n, d) -> distance (n,), root mean square over the dimensions: about 1 for what was trained on."""

    mean: Tensor
    whiten: Tensor

    def __init__(self, mean: Tensor, whiten: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("whiten", whiten)

    def forward(self, features: Tensor) -> Tensor:
        """Return the distances."""
        return torch.sqrt(torch.square((features - self.mean) @ self.whiten).mean(dim=1) + 1e-12)


def fitted(network: Network, images: NDArray[np.float32]) -> Outlier:
    """Return the distance to these images (n, 1, 256, 256), as the network sees them."""
    network.eval()
    with torch.inference_mode():
        seen = [
            network(torch.from_numpy(images[at : at + PART])).features for at in range(0, len(images), PART)
        ]
    features = torch.cat(seen).double().numpy()
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), QUIETEST)
    standard = (features - mean) / spread
    covariance = (1 - SHRINKAGE) * (standard.T @ standard) / len(standard) + SHRINKAGE * np.eye(len(spread))
    values, axes = np.linalg.eigh(covariance)
    whiten = (axes / np.sqrt(values)) / spread[:, None]
    return Outlier(torch.from_numpy(mean).float(), torch.from_numpy(whiten).float())
