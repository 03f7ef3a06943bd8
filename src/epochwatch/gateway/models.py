"""The service models that botocore ships, loaded when a service is first asked for."""

from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

_LOADER = Loader()


@lru_cache
def service_model(service: str) -> ServiceModel:
    """The model of a service under botocore's name for it (``cloudwatch``, ``sagemaker-metrics``)."""
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


@lru_cache(maxsize=4096)
def operation_model(service: str, operation: str) -> OperationModel | None:
    """The model of an operation; None where the service has none of that name."""
    model = service_model(service)
    return model.operation_model(operation) if operation in model.operation_names else None


@lru_cache
def error_shapes(service: str) -> dict[str, Any]:
    """The service's error shapes, by shape name and by wire code."""
    found: dict[str, Any] = {}
    for shape in service_model(service).error_shapes:
        found[shape.name] = shape
        code = shape.metadata.get("error", {}).get("code")
        if code:
            found.setdefault(code, shape)
    return found


@lru_cache
def signing_name(service: str) -> str:
    """The service's name in the scope of a signature (``monitoring`` for cloudwatch)."""
    metadata = service_model(service).metadata
    return str(metadata.get("signingName") or metadata["endpointPrefix"])
