"""Links to the console that let their reader in."""

from urllib.parse import urlencode, urlsplit

from epochwatch.client.credentials import load_or_create
from epochwatch.settings import Settings


def sign_in_link(settings: Settings, url: str) -> str:
    """``url`` (a page of the console) by way of the sign-in, which takes the token in the link and goes on to the
    page. It opens the console to whoever has it: for a person's terminal, not for a log.
    """
    if settings.auth == "none":
        return url
    parts = urlsplit(url)
    query = urlencode({"token": load_or_create(settings).console_token, "next": parts.path}, safe="/")
    return f"{parts.scheme}://{parts.netloc}/_/login?{query}"
