"""Pictures of widgets."""

from typing import Any, Final

from epochwatch.model.raw_answer import RawAnswer
from epochwatch.services.call import Call
from epochwatch.services.cloudwatch.errors import invalid_value, validation
from epochwatch.services.cloudwatch.metric_widget import picture_of

LARGEST_WIDGET: Final = 100 << 10
"""Bytes of its JSON."""
FORMATS: Final = ("png", "image/png")


def get_metric_widget_image(call: Call, request: dict[str, Any]) -> dict[str, Any] | RawAnswer:
    """GetMetricWidgetImage: the picture as PNG, in the answer or, as image/png, instead of one."""
    # Matplotlib takes a second to import, and a JSON Schema library a tenth: not every server draws.
    from epochwatch.drawing.draw import draw
    from epochwatch.model.dashboard.validation import NotAnObject, parse_object, picture_problems, told
    from epochwatch.model.dashboard.widget import metric_widget

    wanted = request.get("OutputFormat") or "png"
    if wanted not in FORMATS:
        raise invalid_value(f"The value {wanted} for parameter OutputFormat is invalid. Only PNG is supported.")
    text = request["MetricWidget"]
    if len(text.encode()) > LARGEST_WIDGET:
        raise validation(f"The parameter MetricWidget must not have more than {LARGEST_WIDGET} bytes.")
    try:
        given = parse_object(text)
    except NotAnObject as error:
        raise validation("The parameter MetricWidget must be a valid JSON object.") from error
    problems = picture_problems(given)
    if problems:
        raise validation(told("metric widget", problems))
    widget = metric_widget(given)
    if widget.region not in (None, call.tenant.region):
        raise validation(
            f"The region {widget.region} must be the one the request is sent to: {call.tenant.region}."
        )
    image = draw(picture_of(call, widget))
    return {"MetricWidgetImage": image} if wanted == "png" else RawAnswer(wanted, image)
