"""The language is found, chosen and left again; the catalogue is complete."""

from __future__ import annotations

import re
import string
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import checker
from checker import language

PACKAGE = Path(checker.__file__).parent
CATALOGUE = PACKAGE / "locale" / "zh" / "LC_MESSAGES" / "checker.po"
ROOT = PACKAGE.parent


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CHECKER_LANGUAGE": "zh"}, "zh"),
        ({"CHECKER_LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LC_ALL": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_comes_from_the_environment(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHECKER_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert checker.get_language() == expected


@pytest.mark.parametrize("code", ["zh", "zh_CN", "zh-Hans", "ZH"])
def test_setting_a_language(code: str) -> None:
    checker.set_language(code)
    assert checker.get_language() == "zh"


@pytest.mark.parametrize("code", ["fr", "", "english please", None, 3])
def test_an_unknown_language_is_refused_in_one_sentence(code: object) -> None:
    with pytest.raises(ValueError, match="en, zh"):
        checker.set_language(code)  # type: ignore[arg-type]
    assert checker.get_language() == "en"


def test_a_language_holds_inside_its_block_only() -> None:
    with language.using("zh"):
        assert checker.get_language() == "zh"
    assert checker.get_language() == "en"


def test_translate_leaves_braces_of_learners_alone() -> None:
    assert language.translate("The checker speaks {languages}, not {code!r}.", languages="{x}", code="{0}")


# --- the catalogue ----------------------------------------------------------------------------------------------------


@cache
def messages() -> set[str]:
    """Every message that the package can show."""
    with open(ROOT / "babel.cfg") as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {**DEFAULT_KEYWORDS, "N_": None, "translate": None}
    found = extract_from_dir(PACKAGE, methods, options, keywords=keywords)
    return {str(message) for _, _, message, _, _ in found if message}


def test_every_message_has_its_translation() -> None:
    with open(CATALOGUE, "rb") as file:
        catalogue = read_po(file, locale="zh")
    translated = {message.id for message in catalogue if message.string}
    untranslated = sorted(messages() - translated)
    fuzzy = sorted(str(message.id) for message in catalogue if message.id and message.fuzzy)
    assert not untranslated
    assert not fuzzy


def test_nothing_in_the_catalogue_is_out_of_date() -> None:
    with open(CATALOGUE, "rb") as file:
        catalogue = read_po(file, locale="zh")
    assert not sorted(str(message.id) for message in catalogue if message.id and message.id not in messages())


def test_the_compiled_catalogue_is_the_one_that_is_read() -> None:
    with open(CATALOGUE, "rb") as po, open(CATALOGUE.with_suffix(".mo"), "rb") as mo:
        written, compiled = read_po(po, locale="zh"), read_mo(mo)
    assert {m.id: m.string for m in written if m.id} == {m.id: m.string for m in compiled if m.id}


def test_translations_keep_parameters_and_code() -> None:
    with open(CATALOGUE, "rb") as file:
        catalogue = read_po(file, locale="zh")
    for message in catalogue:
        if message.id and message.string:
            assert isinstance(message.id, str)
            assert isinstance(message.string, str)
            assert fields(message.id) == fields(message.string), message.id
            assert sorted(re.findall(r"`[^`]+`", message.id)) == sorted(re.findall(r"`[^`]+`", message.string)), (
                message.id
            )


def fields(template: str) -> set[str]:
    """The named places of a template; text that is no template has none."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(template) if name}
    except ValueError:
        return set()


def test_importing_an_assignment_is_light() -> None:
    code = (
        "import sys, checker.assignments.spotify;"
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'matplotlib', 'sklearn') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_a_further_language_is_known_once_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "LANGUAGES", ("en", "zh", "fr"))
    checker.set_language("fr_CA.UTF-8")
    assert checker.get_language() == "fr"
    assert language.translate("An example") == "An example"


def test_lesson_2_asks_its_second_question_about_one_flat_in_both_languages() -> None:
    with language.using("zh"):
        assert "公寓" in language.translate("One flat at a time")
