"""What axe-core finds wrong with a page that is open in a browser."""

from importlib.resources import files
from typing import Any, Final

_AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text()
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Any) -> list[str]:
    """Each as its rule, how grave it is, and where; contrast included."""
    page.evaluate(_AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", _RULES)
    return [
        f"{one['impact']}: {one['id']}: {node['target']}: {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
