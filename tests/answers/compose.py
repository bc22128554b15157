"""Invent a class's written answers from hand-written sentences: ``python tests/answers/compose.py`` writes answers.csv.

How they are made, and what that is worth, stands in README.md.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CSV: Final = HERE / "answers.csv"
QUESTIONS: Final = ("spotify/q2-explanation", "spotify/q4-explanation", "challenge/q1-explanation")
CLASS: Final = {"en": 130, "zh": 110}
"""Answers of each question by language."""

SHARES: Final = {"right": 0.30, "half": 0.36, "wrong": 0.18, "copied": 0.09, "empty": 0.07}
NOTHING: Final = {
    "en": ("", "", "", "idk", "I don't know.", "?", "see above", "no time, sorry", "..."),
    "zh": ("", "", "", "不知道", "不会", "？", "同上", "来不及了", "。。。"),
}

HALVES: Final = {
    "spotify/q2-explanation": ("memorised", "relies", "link"),
    "spotify/q4-explanation": ("failed", "normalises", "link"),
}
THIRDS: Final = ("place of normalization", "place of dropout", "curves")

OTHER_WORDS: Final = {
    "en": (
        ("units", "neurons", "nodes"),
        ("learned by heart", "memorised", "memorized"),
        ("validation loss", "val loss", "val_loss", "loss on the validation data"),
        ("training songs", "songs in the training set", "training data"),
        ("batch normalization", "batch norm", "BN", "BatchNormalization"),
        ("plain network", "original network", "first model", "network without dropout"),
        ("because", "since", "as"),
        ("therefore", "so", "that is why"),
        ("cannot", "can't", "can not"),
    ),
    "zh": (
        ("单元", "神经元", "节点"),
        ("暂退法", "dropout", "Dropout", "随机失活"),
        ("验证损失", "val_loss", "验证集损失", "验证集上的损失"),
        ("批量归一化", "BN", "批归一化", "BatchNormalization"),
        ("原来的网络", "第一个网络", "普通网络", "没改之前的网络"),
        ("因为", "由于"),
        ("所以", "因此", "于是"),
        ("背下来", "死记住", "记住"),
    ),
}


@dataclass(frozen=True)
class Invented:
    """One invented answer.

    Attributes:
        question, language: what it answers, in which language.
        student: an invented id.
        kind: right, half, wrong, copied or empty.
        mark: what the rubric gives.
        text: the answer.
    """

    question: str
    language: str
    student: str
    kind: str
    mark: float
    text: str


def invented() -> Iterator[Invented]:
    """The whole set; the same each time."""
    for question in QUESTIONS:
        for language, count in CLASS.items():
            yield from _class(question, language, count)


def read(path: Path = CSV) -> list[Invented]:
    """The committed set."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Invented(mark=float(row.pop("mark")), **row) for row in csv.DictReader(file)]


class _Pools:
    """Sentences by section: each is used once before any is used again, so that as few as possible are shared."""

    def __init__(self, pools: Mapping[str, Sequence[str]], chance: random.Random) -> None:
        self._pools, self._chance = pools, chance
        self._left: dict[str, list[str]] = {}

    def take(self, section: str) -> str:
        if not self._left.get(section):
            self._left[section] = self._chance.sample(self._pools[section], len(self._pools[section]))
        return self._left[section].pop()

    def once(self, section: str) -> str | None:
        """One of the answers that were written as a whole, none of which is used twice; None when all are used."""
        whole = self._left.setdefault(section, list(self._pools[section]))
        return whole.pop() if whole else None


def _class(question: str, language: str, count: int) -> Iterator[Invented]:
    chance = random.Random(f"{question} {language}")
    pools = _Pools(sentences(question, language), chance)
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(share * count))]
    kinds += ["half"] * (count - len(kinds))
    chance.shuffle(kinds)
    kinds.sort(key=lambda kind: kind == "copied")  # there has to be something to copy
    made: list[tuple[str, float, str]] = []
    for kind in kinds:
        if kind == "empty":
            made.append((kind, 0.0, chance.choice(NOTHING[language])))
        elif kind == "copied":
            _, mark, text = chance.choice([each for each in made if each[0] in ("right", "half", "wrong")])
            made.append((kind, mark, _copy(text, language, chance)))
        else:
            made.append((kind, *_answer(question, language, kind, pools, chance)))
    chance.shuffle(made)
    for number, (kind, mark, text) in enumerate(made, 1):
        yield Invented(question, language, f"{language}{number:03}", kind, mark, text)


def sentences(question: str, language: str) -> Mapping[str, Sequence[str]]:
    """The hand-written sentences of a question, by section."""
    path = HERE / "sentences" / f"{question.replace('/', '.')}.{language}.txt"
    pools: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            pools[line.strip("[]")] = []
        elif line.strip() and not line.startswith("#"):
            pools[list(pools)[-1]].append(line.strip())
    return pools


def _answer(question: str, language: str, kind: str, pools: _Pools, chance: random.Random) -> tuple[float, str]:
    """The mark by the rubric, and the text."""
    mark = {"right": 2.0, "half": 1.0, "wrong": 0.0}[kind]
    if (whole := pools.once(f"whole {mark:.0f}")) is not None:
        return mark, _varied(whole, language, chance)
    parts = list(dict.fromkeys(pools.take(idea) for idea in _ideas(question, kind, chance)))
    if chance.random() < 0.18:
        opening = pools.take("opener")
        first = parts[0]
        lowered = first[0].lower() + first[1:] if opening.endswith(",") and not first.startswith("I ") else first
        parts[0] = f"{opening} {lowered}" if language == "en" else opening + first
    if chance.random() < 0.25:
        parts.append(pools.take("closer"))
    text = (" " if language == "en" else "").join(parts)
    return mark, _varied(text, language, chance)


def _ideas(question: str, kind: str, chance: random.Random) -> tuple[str, ...]:
    """Which ideas an answer of a kind holds, in the order in which they are written."""
    nothing = [
        ("describes",),
        ("describes", "describes"),
        ("wrong",),
        ("wrong",),
        ("describes", "wrong"),
        ("wrong", "wrong"),
    ]
    if kind == "wrong":
        return chance.choice(nothing)
    if question in HALVES:
        first, second, link = HALVES[question]
        right = [(first, second, link)] * 4 + [(second, first, link), (first, second, link, "describes"), (first, link)]
        half = [(first,), (second,), (first, second), ("describes", first), ("describes", second), (first, "describes")]
        return chance.choice(right if kind == "right" else [*half, (first, "wrong"), (second, "wrong")])
    normalization, dropout, curves = THIRDS
    right = [(normalization, dropout, curves)] * 3 + [("describes", normalization, dropout, curves)]
    right += [(dropout, normalization, curves), (normalization, dropout, curves, curves)]
    half = [(normalization,), (normalization, dropout), (curves,), ("describes", curves), ("describes", normalization)]
    return chance.choice(
        right if kind == "right" else [*half, (dropout,), ("describes", dropout), (normalization, "wrong")]
    )


def _varied(text: str, language: str, chance: random.Random) -> str:
    """The text with some of its words changed for others that mean the same, and some slips of the keyboard."""
    for words in OTHER_WORDS[language]:
        for word in words:
            found = re.compile(rf"\b{word}\b" if language == "en" else word)
            if found.search(text) and chance.random() < 0.5:
                text = found.sub(chance.choice(words), text)
                break
    if language == "zh":
        if chance.random() < 0.15:
            text = text.replace("，", ",").replace("。", ".")
        return text.removesuffix("。") if chance.random() < 0.2 else text
    if chance.random() < 0.15:
        text = text.lower()
    if chance.random() < 0.2:
        text = text.rstrip(".")
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        text = _slip(text, chance)
    return text


def _slip(text: str, chance: random.Random) -> str:
    """Two letters of a long word change places, or one is missing."""
    words = list(re.finditer(r"[A-Za-z]{5,}", text))
    if not words:
        return text
    at = chance.choice(words).start() + chance.randint(1, 3)
    return text[:at] + (text[at + 1] + text[at] if chance.random() < 0.5 else text[at]) + text[at + 2 :]


def _copy(text: str, language: str, chance: random.Random) -> str:
    """A copy whose writer took some trouble, or none at all."""
    trouble = chance.choice(("none", "words", "words", "order"))
    if trouble == "none":
        return text
    if trouble == "order":
        stop = ". " if language == "en" else "。"
        pieces = [piece for piece in text.split(stop) if piece]
        return stop.join([*pieces[1:], pieces[0]])
    for _ in range(2):
        text = _varied(text, language, chance)
    return text


if __name__ == "__main__":
    with CSV.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(Invented)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in invented())
