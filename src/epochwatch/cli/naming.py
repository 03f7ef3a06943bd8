"""Names and tags of training jobs, as the commands that make jobs take them."""

import re

from epochwatch.errors import UsageError

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def checked_name(name: str, option: str) -> str:
    """``name``, if SageMaker allows it for a training job. Raises UsageError that names the option."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' is no training job name: letters, digits and single hyphens between them, at most 63",
            f"for example: {option} {made_name(name)}",
        )
    return name


def made_name(text: str) -> str:
    """``text`` made into a name of at most 50 characters."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-")[:50].strip("-") or "run"


def parsed_tags(tags: tuple[str, ...]) -> dict[str, str]:
    """The tags given as ``KEY=VALUE``. Raises UsageError."""
    pairs = {}
    for tag in tags:
        key, separator, value = tag.partition("=")
        if not separator or not key:
            raise UsageError(f"a tag is KEY=VALUE, not '{tag}'", "for example: --tag team=vision")
        pairs[key] = value
    return pairs
