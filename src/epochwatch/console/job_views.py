"""Saved views of the table of jobs: listed, saved, renamed and deleted."""

import time
from dataclasses import asdict
from typing import Any, Final

import msgspec

from epochwatch.console.requests import Asked, Refusal
from epochwatch.model import job_filter
from epochwatch.model.job_filter import InvalidFilter
from epochwatch.store.state.job_views import JobView, SavedJobView, ViewNameTaken
from epochwatch.store.stores import Stores

MOST_VIEWS: Final = 200
LONGEST_NAME: Final = 128


class _Saved(JobView, frozen=True, kw_only=True):
    """The body of a PUT."""

    default: bool = False


class _Renamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a POST."""

    name: str


def job_views(stores: Stores, asked: Asked) -> dict[str, Any]:
    """All saved views."""
    found = stores.state.job_views.list(asked.tenant)
    return {"views": [asdict(one) | {"view": msgspec.to_builtins(one.view)} for one in found]}


def put_job_view(stores: Stores, asked: Asked) -> dict[str, Any]:
    """Save a view, in the place of the one of its name; all that there are then. Raises Refusal."""
    body = asked.body(_Saved)
    view = JobView(body.filter, body.status, body.columns, body.sort, body.order, body.group)
    _check(view)
    saved = SavedJobView(_name(asked.request.path_params["name"]), view, time.time(), body.default)
    if not stores.state.job_views.put(asked.tenant, saved, MOST_VIEWS - 1):
        raise Refusal(400, f"There are {MOST_VIEWS} views already.", "Delete one of them first.")
    return job_views(stores, asked)


def rename_job_view(stores: Stores, asked: Asked) -> dict[str, Any]:
    """Give a view another name; all that there are then. Raises Refusal, also where that name is taken."""
    name, new = asked.request.path_params["name"], _name(asked.body(_Renamed).name)
    try:
        if not stores.state.job_views.rename(asked.tenant, name, new):
            raise _no_such_view(name)
    except ViewNameTaken as error:
        raise Refusal(409, f"There is a view '{new}' already.", "Choose another name.") from error
    return job_views(stores, asked)


def delete_job_view(stores: Stores, asked: Asked) -> dict[str, Any]:
    """Forget a view; all that are left. Raises Refusal."""
    name = asked.request.path_params["name"]
    if not stores.state.job_views.delete(asked.tenant, name):
        raise _no_such_view(name)
    return job_views(stores, asked)


def _check(view: JobView) -> None:
    """Raises Refusal for a view that the table could not show. What a filter names need not be there."""
    try:
        job_filter.parse(view.filter, time.time())
        for text in view.columns:
            if text != "metrics":
                job_filter.column(text)
        for text in (*view.sort, *filter(None, [view.group])):
            job_filter.key(text)
    except InvalidFilter as error:
        raise Refusal(400, f"This view cannot be shown: {error.message}.") from error


def _name(text: str) -> str:
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refusal(400, f"A view's name has 1 to {LONGEST_NAME} characters.")
    return name


def _no_such_view(name: str) -> Refusal:
    return Refusal(404, f"There is no view '{name[:LONGEST_NAME]}'.", "It may have been renamed or deleted.")
