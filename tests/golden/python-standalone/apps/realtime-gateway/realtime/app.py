# Made by `tidegate new` from python/app.py; yours to change.
"""The gateway; ``tidegate serve realtime.app:gateway`` runs it.

Its settings are in tidegate.toml and in the environment. `tidegate new` adds a namespace for each domain.
"""

from tidegate import Gateway

from .activity_feeds import activity_feeds

gateway = Gateway(
    [
        activity_feeds,
    ],
)
