"""Settings: from flags, then ``EPOCHWATCH_*`` variables, then a TOML file, then defaults.

Each value remembers where it came from, so that ``epochwatch config`` can say so.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from epochwatch.errors import UsageError
from epochwatch.model.retention import InvalidRetention
from epochwatch.model.retention import parse as parse_retention
from epochwatch.model.sns.destinations import Destinations, InvalidDestinations
from epochwatch.model.tenant import DEFAULT_ACCOUNT, DEFAULT_REGION

ENVIRONMENT_PREFIX = "EPOCHWATCH_"
SECRETS = frozenset({"secret_access_key", "smtp_password"})
LAUNCHERS = ("process", "container", "slurm")
_CHOICES = {
    "launcher": LAUNCHERS,
    "smtp_security": ("starttls", "tls", "none"),
    "sampler_priority": ("high", "normal"),
}
_NUMBERS = {"port": (0, 65535), "smtp_port": (0, 65535), "max_jobs": (0, 100_000), "max_gpus": (-1, 100_000)}


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of client, agent and server. The field's name in upper case behind ``EPOCHWATCH_`` is its
    variable; in the TOML file it is a top-level key.
    """

    home: Path
    """Data directory: server data, spools, credentials, logs."""
    host: str = "127.0.0.1"
    """Address the server binds."""
    port: int = 4600
    """Port the server binds."""
    url: str = ""
    """Where clients and agents find the server; default ``http://<host>:<port>``."""
    region: str = DEFAULT_REGION
    account: str = DEFAULT_ACCOUNT
    access_key_id: str = ""
    """Key of clients and agents; default: the pair in ``<home>/credentials.json``."""
    secret_access_key: str = ""
    auth: str = "sigv4"
    """``sigv4``, or ``none`` (loopback only: any key is accepted, a 12-digit key id is the account)."""
    metrics_url: str = ""
    """``chdb:///path`` (default ``<home>/metrics``) or ``clickhouse://user:password@host:port/database``."""
    state_url: str = ""
    """``sqlite:///path`` (default ``<home>/state.db``) or ``postgresql://user:password@host/database``."""
    objects_url: str = ""
    """``file:///path`` (default ``<home>/objects``) or ``s3://bucket/prefix``."""
    retention: str = ""
    """Lifetimes of datapoints by namespace where they differ from CloudWatch's: ``Lab=forever;
    Other=1s:7d,60s:1y`` (`epochwatch.model.retention.parse`).
    """

    s3_url: str = ""
    """An S3 endpoint for jobs and AWS clients; default: the embedded one, at the server's own URL."""
    launcher: str = "process"
    """Where created jobs run whose image names no launcher: ``process``, ``container`` or ``slurm``."""
    images_file: str = ""
    """TOML: which image runs by which launcher and command; default ``<home>/images.toml``."""
    max_jobs: int = 0
    """Created jobs that run at a time on this machine; 0: as many as it has processors."""
    max_gpus: int = -1
    """GPUs that they may have together; -1: all."""
    sampler_priority: str = "high"
    """Whether the host sampler asks for real-time scheduling (``high``) or takes what it has (``normal``)."""
    job_alarms: str = ""
    """Alarms of every training job: ``all``, or templates such as ``loss-nan; slow: throughput falling by 20%``
    (`epochwatch.model.alarm.templates.parse`).
    """
    job_alarm_actions: str = ""
    """What they do: ARNs and ``stop-job``, with commas between them."""

    commands_file: str = ""
    """TOML: which commands alarms may run (`epochwatch.alarms.commands`); default ``<home>/commands.toml``."""
    notification_destinations: str = "public, private, loopback"
    """Which addresses messages of topics may be brought to: these kinds, and networks."""
    smtp_host: str = ""
    """The mail server that takes what topics have for addresses; none: no mail is sent."""
    smtp_port: int = 0
    """0: 587, 465 with ``tls``, 25 with ``none``."""
    smtp_security: str = "starttls"
    smtp_username: str = ""
    """Empty: the mail server wants no login."""
    smtp_password: str = ""
    smtp_sender: str = "epochwatch@localhost"
    """What stands in From."""

    @property
    def endpoint(self) -> str:
        """The server's base URL without a trailing slash."""
        return (self.url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def effective_metrics_url(self) -> str:
        """The metrics store's URL with its default filled in."""
        return self.metrics_url or f"chdb://{self.home / 'metrics'}"

    @property
    def effective_state_url(self) -> str:
        """The state store's URL with its default filled in."""
        return self.state_url or f"sqlite:///{self.home / 'state.db'}"

    @property
    def effective_objects_url(self) -> str:
        """The object store's URL with its default filled in."""
        return self.objects_url or f"file://{self.home / 'objects'}"

    @property
    def buckets_directory(self) -> Path:
        """Where the embedded S3 endpoint keeps its buckets: beside our own objects, or in the data directory where
        these are elsewhere.
        """
        parts = urlsplit(self.effective_objects_url)
        return Path(unquote(parts.path)) / "buckets" if parts.scheme == "file" else self.home / "buckets"

    @property
    def s3_endpoint(self) -> str:
        """The S3 that jobs and AWS clients use."""
        return (self.s3_url or self.endpoint).rstrip("/")

    @property
    def commands_path(self) -> Path:
        """The file of the commands that alarms may run; it need not be there."""
        return Path(self.commands_file).expanduser() if self.commands_file else self.home / "commands.toml"

    @property
    def jobs_directory(self) -> Path:
        """Where created jobs run: a directory for each."""
        return self.home / "jobs"

    @property
    def credentials_file(self) -> Path:
        """Where the local key pair lives (mode 0600)."""
        return self.home / "credentials.json"

    @property
    def spool_directory(self) -> Path:
        """Where agents keep what is not yet acknowledged."""
        return self.home / "spool"


@dataclass(frozen=True, slots=True)
class Sourced:
    """A setting's value and where it came from."""

    value: Any
    source: str


def load(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """The settings in force. Raises UsageError naming the setting, what was expected and where it was read."""
    return Settings(**{name: entry.value for name, entry in explain(flags, environment, file).items()})


def explain(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> dict[str, Sourced]:
    """Each setting's value and source (``flag``, the variable's name, the file's path or ``default``)."""
    environment = os.environ if environment is None else environment
    flags = {name: value for name, value in (flags or {}).items() if value is not None}
    home = _home(flags, environment)
    path = file or Path(environment.get(ENVIRONMENT_PREFIX + "CONFIG", home.value / "epochwatch.toml"))
    from_file = _read(path)
    found = {"home": home}
    for field in fields(Settings):
        if field.name == "home":
            continue
        variable = ENVIRONMENT_PREFIX + field.name.upper()
        if field.name in flags:
            sourced = Sourced(flags[field.name], "flag")
        elif variable in environment:
            sourced = Sourced(environment[variable], variable)
        elif field.name in from_file:
            sourced = Sourced(from_file[field.name], str(path))
        else:
            sourced = Sourced(field.default, "default")
        found[field.name] = _checked(field.name, sourced)
    return found


def _home(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Sourced:
    if "home" in flags:
        return Sourced(Path(flags["home"]).expanduser().absolute(), "flag")
    variable = ENVIRONMENT_PREFIX + "HOME"
    if environment.get(variable):
        return Sourced(Path(environment[variable]).expanduser().absolute(), variable)
    data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Sourced(Path(data) / "epochwatch", "default")


def read_toml(path: Path) -> dict[str, Any]:
    """What is in a file; empty where there is none. Raises UsageError naming what is wrong with it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "correct its permissions") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}", "correct the file, or move it away") from error


def _read(path: Path) -> dict[str, Any]:
    values = read_toml(path)
    known = {field.name for field in fields(Settings)}
    for name in values:
        if name not in known:
            raise UsageError(f"{path} has an unknown setting '{name}'", f"known are: {', '.join(sorted(known))}")
    return values


def _checked(name: str, sourced: Sourced) -> Sourced:
    value = sourced.value
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        try:
            value = int(value)
        except (TypeError, ValueError):
            value = least - 1
        if not least <= value <= most:
            raise UsageError(
                f"{name} must be a number from {least} to {most}, not {sourced.value!r} ({sourced.source})"
            )
    elif not isinstance(value, str):
        raise UsageError(f"{name} must be text, not {value!r} ({sourced.source})")
    if value not in _CHOICES.get(name, (value,)):
        known = ", ".join(_CHOICES[name])
        raise UsageError(f"{name} must be one of {known}, not {value!r} ({sourced.source})")
    if name == "smtp_sender" and "@" not in value:
        raise UsageError(f"smtp_sender must be a mail address, not {value!r} ({sourced.source})")
    if name == "notification_destinations":
        _check_destinations(value, sourced.source)
    if name == "auth" and value not in ("sigv4", "none"):
        raise UsageError(f"auth must be 'sigv4' or 'none', not {value!r} ({sourced.source})")
    _check_notation(name, value, sourced.source)
    if name == "account" and not (len(value) == 12 and value.isdecimal()):
        raise UsageError(f"account must be 12 digits, not {value!r} ({sourced.source})")
    return Sourced(value, sourced.source)


def _check_notation(name: str, value: Any, source: str) -> None:
    """Raises UsageError where a setting has a notation of its own that the value is not in."""
    if name == "retention":
        try:
            parse_retention(value)
        except InvalidRetention as error:
            raise UsageError(f"retention: {error} ({source})", "write NAMESPACE=30d; OTHER=forever") from error
    if name in ("job_alarms", "job_alarm_actions") and value:
        from epochwatch.model.alarm import templates  # not every command has to wait for it

        try:
            (templates.parse if name == "job_alarms" else templates.parse_actions)(value)
        except templates.InvalidTemplate as error:
            raise UsageError(f"{name}: {error} ({source})", "write loss-nan; gpu-idle; NAME: PHRASE") from error


def _check_destinations(value: str, source: str) -> None:
    try:
        Destinations.parse(value)
    except InvalidDestinations as error:
        raise UsageError(f"notification_destinations: {error} ({source})", "write public, 10.0.0.0/8") from error
