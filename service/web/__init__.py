"""The console and the API."""

from service.web.app import create_app
from service.web.house import House, ModelFacts, Picture, PictureGone, Views
from service.web.server import NotLoopback, run_web

__all__ = ["House", "ModelFacts", "NotLoopback", "Picture", "PictureGone", "Views", "create_app", "run_web"]
