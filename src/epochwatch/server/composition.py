"""Puts the faces in front of the stores: AWS gateway, agents' endpoints, console, on one port."""

import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from epochwatch import __version__
from epochwatch.client.credentials import Credentials
from epochwatch.console.app import console_routes
from epochwatch.gateway.app import Gateway
from epochwatch.gateway.authentication import Authenticator
from epochwatch.model.tenant import Tenant
from epochwatch.server.agent_api import AgentApi
from epochwatch.services.call import Call, Operation
from epochwatch.settings import Settings
from epochwatch.store.stores import Stores

SERVICES = {
    "cloudwatch": "epochwatch.services.cloudwatch",
    "logs": "epochwatch.services.logs",
    "sagemaker": "epochwatch.services.sagemaker",
    "sagemaker-metrics": "epochwatch.services.sagemaker_metrics",
    "sts": "epochwatch.services.sts",
}
"""Which package holds the operations of which AWS service (named as botocore names it)."""


def operations() -> dict[str, Mapping[str, Operation]]:
    """Every operation that is built, by service."""
    return {name: import_module(package).OPERATIONS for name, package in SERVICES.items()}
