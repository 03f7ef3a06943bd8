"""What agents say to the server: registrations, batches and progress (``/_/agent/...``).

Bodies and answers are msgpack of the records in ``epochwatch.model.batch``. An answer 200 means durable. A
refusal is JSON ``{"code", "message"}``: 4xx can never succeed as it stands, 5xx is worth another try.
"""

import gzip
import io
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from epochwatch.errors import EpochwatchError
from epochwatch.model.batch import Batch, Committed, Heard, Progress, Registered, Registration
from epochwatch.model.host_rows import HostMinute
from epochwatch.model.job import TRAINING
from epochwatch.model.launch import Interruption, JobProgress
from epochwatch.model.profile_file import ProfileFile
from epochwatch.model.sampling import wanted_sampling
from epochwatch.model.tenant import Tenant
from epochwatch.store.batches import commit_batch
from epochwatch.store.host_samples import HostPlace, keep_minute
from epochwatch.store.profiles import keep_profile_file
from epochwatch.store.stores import Stores

logger = logging.getLogger(__name__)

MAX_BODY = 32 * 1024 * 1024
"""Bytes of one request, before and after inflating. Agents send at most a few megabytes."""

Authenticate = Callable[[Request, bytes], Awaitable[Tenant]]
"""Tells whose request it is from its signature, or raises Refusal."""

Record = TypeVar("Record", bound=msgspec.Struct)


class Refusal(Exception):
    """A request that is not served: HTTP status, code and message of the answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> JSONResponse:
        """The refusal as the client sees it."""
        return JSONResponse({"code": self.code, "message": self.message}, self.status)


class AgentApi:
    """The endpoints. ``console_url`` gives a job's page for the agent to print; ``interrupt`` interrupts a job."""

    def __init__(
        self,
        stores: Stores,
        authenticate: Authenticate,
        console_url: Callable[[Request, str], str],
        interrupt: Callable[[Tenant, Interruption], None],
    ) -> None:
        self._interrupt = interrupt
        self._stores = stores
        self._authenticate = authenticate
        self._console_url = console_url

    def routes(self) -> list[Route]:
        """Routes relative to ``/_/agent``."""
        return [
            Route("/registrations", self._register, methods=["POST"]),
            Route("/batches", self._batch, methods=["POST"]),
            Route("/host-minutes", self._host_minute, methods=["POST"]),
            Route("/profile-files", self._profile_file, methods=["POST"]),
            Route("/progress", self._progress, methods=["POST"]),
            Route("/job", self._job, methods=["POST"]),
            Route("/interruptions", self._interruption, methods=["POST"]),
        ]

    async def _register(self, request: Request) -> Response:
        def register(tenant: Tenant, registration: Registration) -> Registered:
            run = self._stores.state.jobs.register(tenant, registration, time.time())
            return Registered(
                name=run.job,
                arn=tenant.arn("sagemaker", f"training-job/{run.job}"),
                log_group=run.log_group,
                log_stream=run.log_stream,
                account=tenant.account,
                region=tenant.region,
                console_url=self._console_url(request, run.job),
            )

        return await self._answer(request, Registration, register)

    async def _batch(self, request: Request) -> Response:
        def commit(tenant: Tenant, batch: Batch) -> Committed:
            run = self._stores.state.jobs.run(tenant, batch.run_id)
            if run is None:
                raise Refusal(404, "UnknownRun", f"run {batch.run_id} is not registered: register it first")
            return commit_batch(self._stores, tenant, run, batch, time.time())

        return await self._answer(request, Batch, commit)

    async def _host_minute(self, request: Request) -> Response:
        def keep(tenant: Tenant, minute: HostMinute) -> None:
            run = self._stores.state.jobs.run(tenant, minute.run_id)
            if run is None:
                raise Refusal(404, "UnknownRun", f"run {minute.run_id} is not registered: register it first")
            keep_minute(self._stores.objects, HostPlace.of(tenant, run), minute)

        return await self._answer(request, HostMinute, keep)

    async def _profile_file(self, request: Request) -> Response:
        def keep(tenant: Tenant, file: ProfileFile) -> None:
            run = self._stores.state.jobs.run(tenant, file.run_id)
            if run is None:
                raise Refusal(404, "UnknownRun", f"run {file.run_id} is not registered: register it first")
            keep_profile_file(self._stores.objects, tenant, run, file)

        return await self._answer(request, ProfileFile, keep)

    async def _progress(self, request: Request) -> Response:
        received = time.time()

        def progress(tenant: Tenant, record: Progress) -> Heard:
            jobs = self._stores.state.jobs
            run = jobs.run(tenant, record.run_id)
            if run is None:
                raise Refusal(404, "UnknownRun", f"run {record.run_id} is not registered: register it first")
            job = jobs.progress(tenant, record, time.time())
            self._stores.feed.publish_job(tenant, job)
            wanted = None
            if job.created_by_api and run.kind is TRAINING:
                wanted = wanted_sampling(job.name, jobs.request(tenant, job.name))
            return Heard(wanted, received, time.time())

        return await self._answer(request, Progress, progress)

    async def _job(self, request: Request) -> Response:
        def progress(tenant: Tenant, record: JobProgress) -> None:
            if (record.account, record.region) != (tenant.account, tenant.region):
                raise Refusal(403, "AccessDenied", f"the job '{record.job}' is not this key's")
            job = self._stores.state.jobs.job_progress(tenant, record, time.time())
            self._stores.feed.publish_job(tenant, job)

        return await self._answer(request, JobProgress, progress)

    async def _interruption(self, request: Request) -> Response:
        def interrupt(tenant: Tenant, record: Interruption) -> None:
            self._interrupt(tenant, record)

        return await self._answer(request, Interruption, interrupt)

    async def _answer(
        self, request: Request, kind: type[Record], act: Callable[[Tenant, Record], msgspec.Struct | None]
    ) -> Response:
        try:
            body = await read_body(request)
            tenant = await self._authenticate(request, body)
            record = _decode(inflate(body, request.headers.get("content-encoding", "")), kind)
            answer = await run_in_threadpool(act, tenant, record)
        except Refusal as refusal:
            return refusal.response()
        except (EpochwatchError, ValueError) as error:
            return Refusal(400, "BadRequest", str(error)).response()
        except Exception:
            logger.exception("%s failed", request.url.path)
            return Refusal(503, "TryAgain", "the server could not store this now: send it again").response()
        return Response(msgspec.msgpack.encode(answer or {}), media_type="application/msgpack")


async def read_body(request: Request) -> bytes:
    """The request's raw body, bounded by MAX_BODY."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise Refusal(413, "TooLarge", f"a request may have {MAX_BODY} bytes: send smaller batches")
        chunks.append(chunk)
    return b"".join(chunks)


def inflate(body: bytes, encoding: str) -> bytes:
    """``body`` without its content encoding; the inflated size is bounded by MAX_BODY."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Refusal(415, "UnsupportedEncoding", f"Content-Encoding must be gzip or absent, not '{encoding}'")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            inflated = file.read(MAX_BODY + 1)
    except (OSError, EOFError) as error:
        raise Refusal(400, "BadRequest", f"the body is no gzip stream: {error}") from error
    if len(inflated) > MAX_BODY:
        raise Refusal(413, "TooLarge", f"a request may inflate to {MAX_BODY} bytes: send smaller batches")
    return inflated


def _decode(body: bytes, kind: type[Record]) -> Record:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, "BadRequest", f"the body is no {kind.__name__}: {error}") from error
