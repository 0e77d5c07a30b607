"""Names derived from a domain's name."""

from __future__ import annotations

import pytest

from tidegate.scaffold.names import Names, plural, words_of


@pytest.mark.parametrize(
    ("name", "camel", "kebab", "snake"),
    [
        ("Notification", "notifications", "notifications", "notifications"),
        ("Chat", "chats", "chats", "chats"),
        ("Activity", "activities", "activities", "activities"),
        ("ActivityFeed", "activityFeeds", "activity-feeds", "activity_feeds"),
        ("activity-feed", "activityFeeds", "activity-feeds", "activity_feeds"),
        ("activity_feed", "activityFeeds", "activity-feeds", "activity_feeds"),
        ("activityFeed", "activityFeeds", "activity-feeds", "activity_feeds"),
        ("OrderCategory", "orderCategories", "order-categories", "order_categories"),
        ("HTTPRequest", "httpRequests", "http-requests", "http_requests"),
        ("SalesPerson", "salesPeople", "sales-people", "sales_people"),
    ],
)
def test_plural_names(name: str, camel: str, kebab: str, snake: str) -> None:
    names = Names.of(name)
    assert (names.plural_camel, names.plural_kebab, names.plural_snake) == (camel, kebab, snake)
    assert names.plural_pascal == camel[0].upper() + camel[1:]
    assert names.namespace == f"/{kebab}"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *(("person", "people"), ("child", "children"), ("status", "statuses"), ("bus", "buses")),
        *(("analysis", "analyses"), ("leaf", "leaves"), ("quiz", "quizzes"), ("day", "days")),
        *(("hero", "heroes"), ("photo", "photos"), ("criterion", "criteria"), ("box", "boxes")),
        *(("human", "humans"), ("alias", "aliases"), ("canvas", "canvases"), ("lens", "lenses")),
        *(("schema", "schemas"), ("index", "indexes"), ("virus", "viruses"), ("key", "keys")),
        *(("news", "news"), ("data", "data"), ("info", "info"), ("feedback", "feedback")),
    ],
)
def test_irregular_plurals(word: str, expected: str) -> None:
    assert plural(word) == expected


@pytest.mark.parametrize("word", ["notifications", "settings", "people", "statuses", "menus"])
def test_what_is_plural_already_stays(word: str) -> None:
    assert plural(word) == word


def test_names_of_one_domain() -> None:
    names = Names.of("ActivityFeed")
    assert (names.pascal, names.camel, names.snake, names.kebab) == (
        *("ActivityFeed", "activityFeed"),
        *("activity_feed", "activity-feed"),
    )
    assert (names.label, names.plural_label) == ("activity feed", "activity feeds")
    assert (names.nest_gateway, names.nest_gateway_file) == (
        *("ActivityFeedsGateway", "activity-feeds.gateway.ts"),
    )
    assert (names.nest_consumer, names.nest_consumer_file) == (
        *("ActivityFeedsWsConsumer", "activity-feeds-ws.consumer.ts"),
    )
    assert (names.hook, names.hook_file) == (
        *("useActivityFeedsSocket", "use-activity-feeds-socket.ts"),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("markRead", ["mark", "read"]),
        ("URLPath", ["url", "path"]),
        ("userID", ["user", "id"]),
        ("order2Line", ["order2", "line"]),
        ("v2", ["v2"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words
