"""GPUs of SageMaker's instance types: how many of the machine's a job asks for."""

import re
from typing import Final

_TYPE = re.compile(r"ml\.([a-z0-9-]+)\.([a-z0-9]+)")
_EIGHT: Final = 8
_BY_SIZE: Final[dict[str, dict[str, int]]] = {
    "p2": {"xlarge": 1, "8xlarge": 8, "16xlarge": 16},
    "p3": {"2xlarge": 1, "8xlarge": 4, "16xlarge": 8},
    "p5": {"4xlarge": 1, "48xlarge": 8},
    "g4dn": {"12xlarge": 4, "metal": 8},
    "g5": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
    "g6e": {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8},
}
_OTHERWISE: Final = {"g4dn": 1, "g5": 1, "g6": 1, "g6e": 1, "g5g": 1, "gr6": 1}
"""GPUs of the sizes that are not listed."""


def gpus_of(instance_type: str) -> int:
    """GPUs of an instance type; 0 for one without, or unknown."""
    found = _TYPE.fullmatch(instance_type)
    if found is None:
        return 0
    family, size = found.groups()
    if family in _BY_SIZE and size in _BY_SIZE[family]:
        return _BY_SIZE[family][size]
    if family in _OTHERWISE:
        return _OTHERWISE[family]
    return _EIGHT if re.fullmatch(r"p[3-9][a-z-]*\d*", family) and family != "p3" else 0
