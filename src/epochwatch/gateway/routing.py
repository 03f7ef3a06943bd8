"""Which service and operation a request is for.

On one port the services are told apart in this order: the path of smithy-rpc-v2-cbor, the ``X-Amz-Target`` header,
the ``Version`` of a query form, and for REST the service in the signature's scope.
"""

import re
from collections.abc import Iterable

from epochwatch.gateway.authentication import claimed_scope
from epochwatch.gateway.forms import form_field
from epochwatch.gateway.models import operation_model, service_model, signing_name
from epochwatch.gateway.requests import RawRequest, Route
from epochwatch.gateway.rest_json_protocol import find_operation
from epochwatch.model.aws_error import AwsError

_RPC_PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)$")
FORM = "application/x-www-form-urlencoded"


class Router:
    """Finds routes among the services it is given (botocore's names)."""

    def __init__(self, services: Iterable[str]) -> None:
        self._by_prefix: dict[str, str] = {}
        self._by_version: dict[str, str] = {}
        self._rest: dict[str, list[str]] = {}
        for service in services:
            metadata = service_model(service).metadata
            protocols = metadata.get("protocols", [metadata["protocol"]])
            if "targetPrefix" in metadata:
                self._by_prefix[metadata["targetPrefix"]] = service
            if "query" in protocols:
                self._by_version[metadata["apiVersion"]] = service
            if "rest-json" in protocols:
                self._rest.setdefault(signing_name(service), []).append(service)

    def route(self, request: RawRequest) -> Route:
        """The request's route. Raises UnroutableError when the request names no operation we have a model of."""
        rpc = _RPC_PATH.search(request.path)
        if rpc or request.headers.get("smithy-protocol") == "rpc-v2-cbor":
            return self._rpc(rpc)
        target = request.headers.get("x-amz-target")
        if target is not None:
            return self._json(request, target)
        if request.media_type == FORM or "Action" in request.arguments:
            return self._query(request)
        return self._rest_route(request)

    def _rpc(self, match: "re.Match[str] | None") -> Route:
        prefix, operation = match.groups() if match else ("", "")
        route = Route(self._by_prefix.get(prefix, ""), operation, "cbor")
        return _known(route)

    def _json(self, request: RawRequest, target: str) -> Route:
        prefix, _, operation = target.rpartition(".")
        service = self._by_prefix.get(prefix, "")
        version = "1.0" if request.media_type == "application/x-amz-json-1.0" else "1.1"
        return _known(Route(service, operation, "json", version=version))

    def _query(self, request: RawRequest) -> Route:
        version, operation = _named(request, "Version"), _named(request, "Action")
        service = self._by_version.get(version, "")
        namespace = ""
        if service:
            metadata = service_model(service).metadata
            namespace = metadata.get("xmlNamespace") or (
                f"http://{metadata['endpointPrefix']}.amazonaws.com/doc/{metadata['apiVersion']}/"
            )
        return _known(Route(service, operation, "query", namespace=namespace))

    def _rest_route(self, request: RawRequest) -> Route:
        scope = claimed_scope(request)
        candidates = (
            self._rest.get(scope.service, [])
            if scope
            else [service for services in self._rest.values() for service in services]
        )
        for service in candidates:
            found = find_operation(service, request.method, request.path)
            if found:
                return Route(service, found[0], "rest-json", labels=found[1])
        raise UnroutableError(Route("", "", "rest-json"))


def is_for_objects(request: RawRequest) -> bool:
    """Whether a request is for S3: by the scope of its signature, which is verified there."""
    scope = claimed_scope(request)
    return scope is not None and scope.service == "s3"


class UnroutableError(AwsError):
    """A request that names no known operation; ``route`` holds as much as could be told."""

    def __init__(self, route: Route) -> None:
        what = f"operation '{route.operation[:100]}'" if route.operation else "operation of this request"
        super().__init__("UnknownOperationException", f"The {what} is not known here.", status=400)
        self.route = route


def _named(request: RawRequest, field: str) -> str:
    found = form_field(request.body, field) if request.body else request.arguments.get(field)
    return found or ""


def _known(route: Route) -> Route:
    if not route.service or operation_model(route.service, route.operation) is None:
        raise UnroutableError(route)
    return route
