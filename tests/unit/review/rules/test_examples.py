"""Each rule finds fault with its bad examples, and none with the good ones."""

from __future__ import annotations

import pytest
from tests.unit.review.helpers import review_text

from tidegate.review import Rule, all_rules
from tidegate.review.registry import Example

EXAMPLES = [(rule, example) for rule in all_rules() for example in rule.examples]
IDS = [f"{rule.name}-{example.language}-{example.title}" for rule, example in EXAMPLES]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=IDS)
def test_the_bad_example_is_found(rule: Rule, example: Example) -> None:
    findings = review_text(example.bad, rule.name, name=example.file_name)
    assert findings
    assert {finding.rule for finding in findings} == {rule.name}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=IDS)
def test_the_good_example_is_not(rule: Rule, example: Example) -> None:
    assert not review_text(example.good, rule.name, name=example.file_name, could_not_tell=True)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_texts_are_complete(rule: Rule) -> None:
    assert rule.summary.endswith(".") and rule.why.endswith(".") and rule.remedy.endswith(".")
    assert {example.language for example in rule.examples} >= set(rule.languages)
