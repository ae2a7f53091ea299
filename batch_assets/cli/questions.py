"""Asking a person for settings, each checked as the settings check it before the next is asked."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import typer
from pydantic import ValidationError

from batch_assets.settings import Settings

_STAND_INS = {
    "source_bucket": "stand-in",
    "first_partition": "2024/01/01",
    "account_id": "123456789012",
    "role_arn": "arn:aws:iam::123456789012:role/stand-in",
    "vector_bucket": "stand-in",
}


@dataclass
class Questions:
    """Questions, and what was answered so far.

    Attributes:
        given: Answers of the command line, by name of the setting; None for those to be asked.
        take_proposals: Take what is proposed, without asking.
        answers: Valid values by name of the setting.
    """

    given: Mapping[str, str | None]
    take_proposals: bool
    answers: dict[str, str] = field(default_factory=dict)

    def ask(self, name: str, proposal: str | None) -> str:
        """The answer to one question. Raises `typer.BadParameter` for a wrong one that nobody can be asked again."""
        given = self.given.get(name)
        if given is None and not self.take_proposals:
            answer = self._asked(name, proposal)
        else:
            answer = self._checked(name, given if given is not None else proposal)
        self.answers[name] = answer
        return answer

    def _asked(self, name: str, proposal: str | None) -> str:
        if not sys.stdin.isatty():
            raise typer.BadParameter(
                f"there is no terminal to ask on: give {option(name)}, or add --yes to take what is proposed",
                param_hint=option(name),
            )
        text = str(Settings.model_fields[name].description)
        answer: str = typer.prompt(text, default=proposal, err=True, value_proc=lambda value: self._valid(name, value))
        return answer

    def _checked(self, name: str, value: str | None) -> str:
        if value is None:
            raise typer.BadParameter("nothing can be proposed here: it has to be given", param_hint=option(name))
        problem = self._problem(name, value)
        if problem:
            raise typer.BadParameter(problem, param_hint=option(name))
        return value

    def _valid(self, name: str, value: str) -> str:
        """The value, or a usage error, after which the prompt asks again."""
        problem = self._problem(name, value.strip())
        if problem:
            raise typer.BadParameter(problem)
        return value.strip()

    def _problem(self, name: str, value: str) -> str | None:
        """What is wrong with a value, in view of the answers before it, or None."""
        if not value:
            return "an answer is needed"
        values: dict[str, Any] = {"_env_file": None, **_STAND_INS, **self.answers, name: value}
        try:
            Settings(**values)
        except ValidationError as error:
            found = [str(problem["msg"]) for problem in error.errors() if problem["loc"][0] == name]
            return f"{value!r}: {found[0].removeprefix('Value error, ')}" if found else None
        return None


def option(name: str) -> str:
    """The option of the command line for a setting."""
    return f"--{name.replace('_', '-')}"
