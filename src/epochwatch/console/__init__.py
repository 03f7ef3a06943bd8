"""The web console: its JSON API, its server-sent events and its pages. Sources of the pages are in ``web/``."""
