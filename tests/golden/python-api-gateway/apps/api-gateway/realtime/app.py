# Made by `tidegate new` from python/app.py; yours to change.
"""The gateway, to be mounted in the API gateway's application:

    from realtime.app import gateway

    app = FastAPI(lifespan=gateway.lifespan)
    app.mount("/", gateway.asgi())  # after the routes; clients connect to /socket.io/

In a lifespan of your own: ``async with gateway.lifespan(app): yield``. The settings are
in tidegate.toml, in the folder that the application is started from, and in the
environment. `tidegate new` adds a namespace for each domain.
"""

from tidegate import Gateway

from .notifications import notifications

gateway = Gateway(
    [
        notifications,
    ],
)
