"""Dashboards as CloudFormation templates have them: ``AWS::CloudWatch::Dashboard``, the body as a string."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

VERSION: Final = "2010-09-09"
TYPE: Final = "AWS::CloudWatch::Dashboard"
_OTHER: Final = re.compile(r"[^A-Za-z0-9]+")
_PLACEHOLDER: Final = re.compile(r"\$\{(!?)([^{}]*)\}")


class InvalidTemplate(ValueError):
    """A template from which no dashboards can be read; the message says why."""


def template(dashboards: Mapping[str, str]) -> dict[str, Any]:
    """The template of dashboards: bodies by their names."""
    resources: dict[str, Any] = {}
    for name, body in dashboards.items():
        logical = base = "".join(part[:1].upper() + part[1:] for part in _OTHER.split(name)) or "Dashboard"
        number = 1
        while logical in resources:
            number += 1
            logical = f"{base}{number}"
        resources[logical] = {"Type": TYPE, "Properties": {"DashboardName": name, "DashboardBody": body}}
    return {"AWSTemplateFormatVersion": VERSION, "Resources": resources}


def dashboards_in(given: Any, pseudo: Mapping[str, str]) -> dict[str, str]:
    """The bodies of a template's dashboards by their names; one without is called as the template calls it. In
    ``Fn::Sub``, pseudo parameters (``AWS::Region``) stand for what ``pseudo`` says. Raises InvalidTemplate.
    """
    resources = given.get("Resources") if isinstance(given, dict) else None
    if not isinstance(resources, dict):
        raise InvalidTemplate("it is no CloudFormation template: it has no Resources")
    found: dict[str, str] = {}
    for logical, resource in resources.items():
        if not isinstance(resource, dict) or resource.get("Type") != TYPE:
            continue
        properties = resource.get("Properties")
        if not isinstance(properties, dict) or "DashboardBody" not in properties:
            raise InvalidTemplate(f"{logical} has no DashboardBody")
        name = _text(properties.get("DashboardName", logical), f"DashboardName of {logical}", pseudo)
        if name in found:
            raise InvalidTemplate(f"two of its dashboards are called {name}")
        found[name] = _text(properties["DashboardBody"], f"DashboardBody of {logical}", pseudo)
    if not found:
        raise InvalidTemplate(f"it has no {TYPE}")
    return found


def _text(value: Any, what: str, pseudo: Mapping[str, str]) -> str:
    """A string, or the string that an intrinsic function makes of pseudo parameters."""
    if isinstance(value, str):
        return value
    match value:
        case {"Ref": str(name)}:
            return _stand_in(name, what, pseudo)
        case {"Fn::Sub": str(text)}:
            return _PLACEHOLDER.sub(
                lambda found: f"${{{found[2]}}}" if found[1] else _stand_in(found[2].strip(), what, pseudo), text
            )
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(_text(part, what, pseudo) for part in parts)
    raise InvalidTemplate(
        f"the {what} is neither a string nor made of Fn::Sub, Fn::Join and Ref: {json.dumps(value)[:80]}"
    )


def _stand_in(name: str, what: str, pseudo: Mapping[str, str]) -> str:
    if name not in pseudo:
        raise InvalidTemplate(f"the {what} refers to {name}, which only a stack knows")
    return pseudo[name]
