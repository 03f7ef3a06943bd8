"""Puts the faces in front of the stores: AWS gateway, agents' endpoints, console, Prometheus, on one port."""

import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from epochwatch import __version__
from epochwatch.alarms.actions import ActionPerformer
from epochwatch.alarms.evaluator import AlarmEvaluator
from epochwatch.client.credentials import Credentials
from epochwatch.client.http import SERVICE
from epochwatch.console.app import console_routes
from epochwatch.console.session import Access, ConsoleKey
from epochwatch.delivery.deliverer import Deliverer, Means
from epochwatch.delivery.mail import MailServer
from epochwatch.delivery.pages import sns_routes
from epochwatch.delivery.signing import Signer
from epochwatch.gateway.app import Gateway, raw_request
from epochwatch.gateway.authentication import Authenticator, Identity, claimed_key
from epochwatch.gateway.forward import Forward
from epochwatch.gateway.operations import Operations
from epochwatch.launchers.queue import Queue
from epochwatch.model.alarm.templates import parse as parse_templates
from epochwatch.model.alarm.templates import parse_actions
from epochwatch.model.attempt import Attempt
from epochwatch.model.aws_error import AwsError
from epochwatch.model.sns.notification import Place
from epochwatch.model.tenant import Tenant
from epochwatch.prometheus.access import Door
from epochwatch.prometheus.app import prometheus_routes
from epochwatch.repeated import Repeated
from epochwatch.server.agent_api import AgentApi, Refusal
from epochwatch.server.object_server import ObjectServers
from epochwatch.services import cloudwatch
from epochwatch.services.call import Call, Operation
from epochwatch.settings import Settings
from epochwatch.store.buckets import BucketStore
from epochwatch.store.stores import Stores

MAINTENANCE_SECONDS = 60.0
SERVICES = {
    "cloudwatch": "epochwatch.services.cloudwatch",
    "iam": "epochwatch.services.iam",
    "logs": "epochwatch.services.logs",
    "sagemaker": "epochwatch.services.sagemaker",
    "sagemaker-metrics": "epochwatch.services.sagemaker_metrics",
    "sns": "epochwatch.services.sns",
    "sts": "epochwatch.services.sts",
}
"""Which package holds the operations of which AWS service (named as botocore names it)."""


def compose(stores: Stores, settings: Settings, credentials: Credentials, *, ephemeral: bool = False) -> ASGIApp:
    """The whole server as one ASGI application over open stores."""
    return Composition(stores, settings, credentials, ephemeral=ephemeral).app()


def operations() -> dict[str, Mapping[str, Operation]]:
    """Every operation that is built, by service."""
    return {name: import_module(package).OPERATIONS for name, package in SERVICES.items()}


def largest_requests() -> dict[tuple[str, str], int]:
    """How many bytes requests of some operations may be sent in, by service and operation."""
    return {("cloudwatch", operation): size for operation, size in cloudwatch.LARGEST_REQUESTS.items()}


class Composition:
    """The parts and how they know each other."""

    def __init__(self, stores: Stores, settings: Settings, credentials: Credentials, *, ephemeral: bool) -> None:
        self._stores = stores
        self._settings = settings
        self._credentials = credentials
        self._ephemeral = ephemeral
        self._home_id = _home_id(settings.home)
        self._default = Tenant(credentials.account, settings.region)
        verify = settings.auth != "none"
        self._authenticator = Authenticator(self._lookup, verify=verify, default=self._default)
        self._open_to = None if verify else self._default
        self._signer = Signer(stores.state)

    def app(self) -> ASGIApp:
        """The application."""
        access = Access(keys=self._console_keys, authenticate=self._signed, open_to=self._open_to)
        self._queue = Queue(self._stores, self._settings, self._credentials, self._stores.feed.publish_job)
        agents = AgentApi(self._stores, self._agent, self._console_url, self._queue.interrupt)
        door = Door(access, self._lookup, self._settings.region)
        routes: list[BaseRoute] = [
            Route("/", self._to_console),
            Route("/_", self._to_console),
            Route("/_/health", self._health),
            Mount("/_/agent", routes=agents.routes()),
            Mount("/_/sns", routes=sns_routes(self._stores, self._signer)),
        ]
        if self._ephemeral:
            routes.append(Route("/_/reset", self._reset, methods=["POST"]))
        self._objects = ObjectServers(
            self._settings.buckets_directory,
            self._stores.state.keys,
            self._credentials.account,
            self._settings.home / "object-server.json",
            verify=self._settings.auth != "none",
        )
        performed = Operations(operations(), self._call, largest_requests())
        faces = [
            *prometheus_routes(self._stores.metrics, door),
            *console_routes(self._stores, access, performed, self._buckets()),
        ]
        routes.append(Mount("/_", routes=faces))
        inner = Starlette(routes=routes, lifespan=self._lifespan)
        objects = Forward(lambda scope: self._objects.address(claimed_key(raw_request(scope))))
        self._gateway = Gateway(performed, self._authenticator, inner, objects=objects)
        return self._gateway

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        warming = threading.Thread(target=self._stores.warm_up, name="epochwatch-warm-up", daemon=True)
        warming.start()  # while the first requests, which need no arrays, are answered already
        self._objects.start()
        maintenance = Repeated("maintenance", MAINTENANCE_SECONDS, lambda: self._stores.maintain(time.time()))
        maintenance.start()
        self._queue.start()
        templates = parse_templates(self._settings.job_alarms)
        alarms = AlarmEvaluator(self._stores, templates, parse_actions(self._settings.job_alarm_actions))
        alarms.start()
        actions = ActionPerformer(self._stores, self._settings.commands_path, self._settings.home)
        actions.start()
        deliverer = Deliverer(self._stores.state, _means(self._settings), self._signer)
        deliverer.start()
        yield
        for worker in (alarms, actions, deliverer):
            await run_in_threadpool(worker.stop)
        await run_in_threadpool(self._queue.stop)
        await run_in_threadpool(maintenance.stop)
        self._gateway.close()
        await run_in_threadpool(self._objects.stop)
        await run_in_threadpool(warming.join)

    def _buckets(self) -> BucketStore:
        """Where the console finds what jobs left: where they were told to leave it."""
        if self._settings.s3_url:
            return BucketStore.remote(self._settings.s3_endpoint, self._key_of)
        return BucketStore.local(
            self._settings.buckets_directory,
            self._credentials.account,
            shared=self._settings.auth == "none",
        )

    def _key_of(self, account: str) -> tuple[str, str]:
        """The key that jobs of an account sign with."""
        other = None if account == self._credentials.account else self._stores.state.keys.of_account(account)
        key = other or self._credentials
        return key.access_key_id, key.secret_access_key

    def _lookup(self, access_key_id: str) -> tuple[str, str] | None:
        key = self._stores.state.keys.get(access_key_id)
        return None if key is None else (key.secret_access_key, key.account)

    def _console_keys(self) -> Iterable[ConsoleKey]:
        return [
            ConsoleKey(key.access_key_id, key.secret_access_key, Tenant(key.account, self._settings.region))
            for key in self._stores.state.keys.all()
        ]

    def _call(self, identity: Identity, request_id: str, now: float, attempt: Attempt) -> Call:
        sends_mail = bool(self._settings.smtp_host)
        return Call(identity.tenant, self._stores, request_id, now, identity.access_key_id, attempt, sends_mail)

    async def _signed(self, request: Request) -> Tenant | None:
        """The signer of a console API request; None where the signature is not good."""
        try:
            return await self._identify(request, await request.body())
        except AwsError:
            return None

    async def _agent(self, request: Request, body: bytes) -> Tenant:
        try:
            return await self._identify(request, body)
        except AwsError as error:
            raise Refusal(403, error.code, str(error)) from error

    async def _identify(self, request: Request, body: bytes) -> Tenant:
        raw = raw_request(request.scope)
        raw.body = body
        identity = await run_in_threadpool(self._authenticator.authenticate, raw, SERVICE, time.time())
        return identity.tenant

    def _console_url(self, request: Request, job: str) -> str:
        return f"{request.url.scheme}://{request.url.netloc}/_/jobs/{job}"

    async def _to_console(self, _: Request) -> Response:
        return RedirectResponse("/_/", 307)

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__, "home_id": self._home_id})

    async def _reset(self, request: Request) -> Response:
        """Forget everything; the key stays. Only a server started as ephemeral has this path, and no web page may
        ask for it.
        """
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return Refusal(403, "AccessDenied", "pages of other sites may not reset this server").response()
        try:
            await self._agent(request, await request.body())
        except Refusal as refusal:
            return refusal.response()
        await run_in_threadpool(self._stores.reset)
        credentials = self._credentials
        self._stores.state.keys.put(credentials.access_key_id, credentials.secret_access_key, credentials.account)
        return JSONResponse({"status": "reset"})


def _means(settings: Settings) -> Means:
    mail_server = MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_username,
        settings.smtp_password,
        settings.smtp_sender,
    )
    place = Place(f"{settings.endpoint}/_/sns")
    return Means(place, settings.notification_destinations, mail_server if settings.smtp_host else None)


def _home_id(home: Path) -> str:
    """A name for this data directory by which a client can tell whose server answers."""
    path = home / "id"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        made = uuid.uuid4().hex
        path.write_text(made)
        return made
