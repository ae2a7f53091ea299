"""What a fault rule may say, where it is read from, and that it is the same in every run."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.sandbox.faults.chance import Frequency, draw
from batch_assets.sandbox.faults.job_rule import JobRule
from batch_assets.sandbox.faults.parsing import FaultRuleError, parse_rules, read_rules
from batch_assets.sandbox.faults.plan import FaultPlan

ERROR = {"code": "SlowDown", "status": 503}
CALL = {"service": "s3", "error": ERROR}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({**CALL, "rate": 1.5}, "rate: input should be less than or equal to 1, not 1.5"),
        ({**CALL, "rate": "often"}, "rate: input should be a valid number, not 'often'"),
        ({**CALL, "times": -1}, "times: input should be greater than or equal to 0, not -1"),
        ({**CALL, "after": True}, "after: input should be a valid integer, not True"),
        ({**CALL, "latency_seconds": float("inf")}, "latency_seconds: "),
        ({**CALL, "colour": "red"}, "colour: unknown; a rule about calls .* latency_seconds, error, cut"),
        (
            {**CALL, "service": "s3vector"},
            r"service: 's3vector' is no service of the sandbox, did you mean 's3vectors'\?$",
        ),
        (
            {**CALL, "operation": "PutObjekt"},
            "operation: 'PutObjekt' is no operation of s3, did you mean 'PutObject'\\?",
        ),
        ({**CALL, "operation": []}, "operation: "),
        ({"service": "bedrock", "operation": ["*", "InvokeModel"], "error": ERROR}, "operation: 'InvokeModel' is no"),
        ({"service": "s3", "error": {"status": 503}}, "error.code: field required"),
        ({"service": "s3", "error": {"code": "x", "status": 200}}, "error.status: "),
        ({"service": "s3", "cut": "midway"}, "cut: input should be 'before' or 'after'"),
        ({**CALL, "cut": "after"}, "give error or cut, not both"),
        ({"end_state": "Done"}, "end_state: input should be 'Completed'"),
        ({"end_state": "Failed", "expire": True}, "give only one of end_state, expire"),
        ({"error_records": {"every": 0}}, "error_records: expected a list of record ids"),
        ({"nan_records": {"share": 2}}, "nan_records: expected a list of record ids"),
        ({"errors": [{"code": 400}]}, "errors.0.records: field required"),
        ({"missing_files": {"every": 2}}, "missing_files: expected a number"),
        ({"output_files": 0}, "output_files: "),
        ({"nonsense": 1}, "nonsense: unknown; a rule about jobs .* job_name_contains"),
        ({}, "expected fields and their values"),
        ("s3", "expected fields and their values"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_name_of_the_field(rule: Any, message: str) -> None:
    """And the number of the rule, counted from 1."""
    with pytest.raises(FaultRuleError, match=f"rule 2: .*{message}"):
        parse_rules([CALL, rule])


def test_no_rule_is_added_when_one_is_wrong() -> None:
    """All or nothing."""
    plan = FaultPlan()
    with pytest.raises(FaultRuleError):
        plan.add([CALL, {"nonsense": 1}])
    assert plan.describe() == []
    assert plan.for_call("s3", "PutObject") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rules.json", json.dumps([CALL, {"end_state": "Failed"}])),
        ("rules.yaml", "- service: s3\n  error: {code: SlowDown, status: 503}\n- end_state: Failed\n"),
    ],
)
def test_rules_are_read_from_a_file(tmp_path: Path, name: str, text: str) -> None:
    """YAML or JSON."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_rules(path) == [CALL, {"end_state": "Failed"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- service: s3\n  rate: 7\n", "rules.yaml: rule 1: rate: "),
        (b"- {service: [", "rules.yaml is neither YAML nor JSON"),
        (b"\xff\xfe\xfa", "rules.yaml is neither YAML nor JSON"),
        (b"", "rules.yaml: rule 1: expected fields"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    """With what is wrong in it."""
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(FaultRuleError, match=message):
        read_rules(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    """As the system says it."""
    with pytest.raises(FaultRuleError, match=r"absent.yaml: No such file"):
        read_rules(tmp_path / "absent.yaml")


def hits(frequency: Frequency, calls: int) -> list[bool]:
    """Ask for the calls one after the other."""
    struck: list[bool] = []
    for number in range(calls):
        struck.append(frequency.strikes(number, hits=sum(struck)))
    return struck


@given(rate=st.floats(0, 1), after=st.integers(0, 20), calls=st.integers(1, 200))
def test_without_a_seed_a_rate_is_kept_evenly(rate: float, after: int, calls: int) -> None:
    """As many as the rate says, of those after the first."""
    frequency = Frequency(rate=rate, after=after)
    assert abs(sum(hits(frequency, calls)) - rate * max(calls - after, 0)) <= 1
    assert not any(hits(frequency, calls)[:after])


@given(seed=st.integers(), rate=st.floats(0, 1), times=st.integers(0, 50))
def test_with_a_seed_the_same_calls_are_hit_in_every_run(seed: int, rate: float, times: int) -> None:
    """By chance, but always the same one, and never more than `times`."""
    frequency = Frequency(rate=rate, seed=seed, times=times)
    assert hits(frequency, 100) == hits(frequency, 100)
    assert sum(hits(frequency, 100)) <= times


def test_chance_keeps_its_rate() -> None:
    """3 of 10 calls, not in a regular pattern, and others for another seed."""
    struck = hits(Frequency(rate=0.3, seed=1), 2000)
    assert sum(struck) == pytest.approx(600, rel=0.1)
    assert struck[:50] != hits(Frequency(rate=0.3), 50)
    assert struck[:50] != hits(Frequency(rate=0.3, seed=2), 50)


@given(st.text(), st.integers())
def test_draws_are_from_0_up_to_1(text: str, number: int) -> None:
    """And depend on what they are for."""
    assert 0 <= draw(text, number) < 1
    assert draw(text, number) == draw(text, number)


def test_the_share_of_records_depends_on_the_seed_and_the_job() -> None:
    """So a record that failed in one job may succeed in the next, and a run can be repeated."""

    def failing(job_name: str, seed: int) -> set[int]:
        rule = JobRule(error_records={"share": 0.2}, seed=seed)  # type: ignore[arg-type]  # as it is written
        return {index for index in range(1000) if rule.error(index, f"R{index}", job_name=job_name)}

    assert len(failing("a", 1)) == pytest.approx(200, rel=0.2)
    assert failing("a", 1) == failing("a", 1)
    assert failing("a", 1) != failing("b", 1)
    assert failing("a", 1) != failing("a", 2)


def test_jobs_are_hit_at_a_rate_too() -> None:
    """Every fifth ends badly; the first rule that strikes counts."""
    plan = FaultPlan()
    plan.add([{"end_state": "Failed", "rate": 0.2}, {"end_state": "Expired", "after": 8}])
    ends = [plan.for_job("job").end_state for _ in range(10)]
    assert ends == [None] * 4 + ["Failed"] + [None] * 4 + ["Failed"]
    assert plan.for_job("job").end_state == "Expired"
