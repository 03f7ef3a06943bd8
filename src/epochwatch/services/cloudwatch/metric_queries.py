"""Many metrics, and what is computed from them, by one request."""

from collections.abc import Mapping
from typing import Any, Final

from epochwatch.model.aws_error import AwsError
from epochwatch.model.labels import InvalidLabel, parse_timezone
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch import data_queries
from epochwatch.services.cloudwatch.errors import validation
from epochwatch.services.cloudwatch.evaluation import Answer, Evaluation
from epochwatch.services.tokens import seal, unseal

MOST_DATAPOINTS: Final = 100_800


def get_metric_data(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """GetMetricData: metrics, metric math, SEARCH and Metrics Insights, a page at a time."""
    if request["StartTime"] >= request["EndTime"]:
        raise validation("The parameter StartTime must be less than the parameter EndTime.")
    timezone = (request.get("LabelOptions") or {}).get("Timezone")
    try:
        parse_timezone(timezone)
    except InvalidLabel as error:
        raise validation(f"The value {timezone} for parameter LabelOptions.Timezone is invalid.") from error
    room = request.get("MaxDatapoints", MOST_DATAPOINTS)
    if not 1 <= room <= MOST_DATAPOINTS:
        raise validation(f"The parameter MaxDatapoints must be between 1 and {MOST_DATAPOINTS}.")
    queries = data_queries.parse(request["MetricDataQueries"], call.tenant.account)
    bound = {name: value for name, value in request.items() if name not in ("NextToken", "MaxDatapoints")}
    first, after = _position(bound, request.get("NextToken"))
    evaluation = Evaluation(call, queries, request["StartTime"], request["EndTime"], timezone)
    page = _Page(room, request.get("ScanBy", "TimestampDescending") == "TimestampDescending", after)
    for found in evaluation.answers()[first:]:
        page.add(found)
    answer: dict[str, Any] = {"MetricDataResults": page.results, "Messages": evaluation.messages}
    if page.cut is not None:
        index, last = page.cut
        answer["NextToken"] = seal(bound, [first + index, last])
    return answer


class _Page:
    """Fills up with the answers' datapoints, one after another, until there is no room."""

    def __init__(self, room: int, descending: bool, after: int | None) -> None:
        self.results: list[dict[str, Any]] = []
        self.cut: tuple[int, int | None] | None = None
        """(index of the answer to go on with, its last timestamp delivered or None), once something is left out."""
        self._room = room
        self._descending = descending
        self._after = after

    def add(self, answer: Answer) -> None:
        """The answer's datapoints, as far as there is room."""
        stamps, values = answer.series.timestamps, answer.series.values
        after, self._after = self._after, None
        if after is not None:
            kept = stamps < after if self._descending else stamps > after
            stamps, values = stamps[kept], values[kept]
        if self._descending:
            stamps, values = stamps[::-1], values[::-1]
        taken = stamps[: self._room]
        self._room -= len(taken)
        if len(taken) < len(stamps) and self.cut is None:
            self.cut = (len(self.results), int(taken[-1]) if len(taken) else after)
        status = "Complete" if self.cut is None else "PartialData"
        entry: dict[str, Any] = {
            "Id": answer.id,
            "Label": answer.label,
            "Timestamps": taken.astype(float).tolist(),
            "Values": values[: len(taken)].tolist(),
            "StatusCode": "Forbidden" if answer.forbidden else status,
        }
        if answer.messages:
            entry["Messages"] = list(answer.messages)
        self.results.append(entry)


def _position(bound: Mapping[str, Any], token: str | None) -> tuple[int, int | None]:
    """(index of the first answer to give, its last timestamp already delivered)."""
    if token is None:
        return 0, None
    try:
        index, after = unseal(bound, token)
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.") from error
    return index, after
