"""Random damage to a good submission: what accidents, broken disks, odd editors and attackers leave behind."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import classroom
import numpy as np
from place import ROOT

from checker.questions.evidence import sealed

NOTEBOOK: Final = "spotify.ipynb"
_RELEASED: Final = ROOT / "notebooks/spotify/spotify.ipynb"
Cells = list[dict[str, Any]]

# --- the notebook -----------------------------------------------------------------------------------------------------


def _cells(change: Callable[[Cells, random.Random], object]) -> Callable[[bytes, random.Random], bytes]:
    def damage(content: bytes, chosen: random.Random) -> bytes:
        book = json.loads(content)
        change(book["cells"], chosen)
        return json.dumps(book).encode()

    return damage


def _retyped(cells: Cells, chosen: random.Random) -> None:
    for cell in chosen.sample(cells, 3):
        cell["cell_type"] = chosen.choice(["raw", "markdown", "code", "heading", 3, None])


def _bad_metadata(cells: Cells, chosen: random.Random) -> None:
    for cell in chosen.sample(cells, 3):
        cell["metadata"] = chosen.choice([{}, None, [], "x", {"nbgrader": []}, {"nbgrader": {"grade_id": "q3"}}])


def _odd_sources(cells: Cells, chosen: random.Random) -> None:
    for cell in chosen.sample(cells, 2):
        whole = "".join(cell["source"])
        odd = [
            "\ud83d",
            "\x00",
            "\u202e",
            "<script>alert(1)</script>",
            "![x](data:text/html,x)",
            "\x1b[2J",
            "\U0010ffff",
        ]
        cell["source"] = chosen.choice([[whole, chosen.choice(odd)], whole + chosen.choice(odd), [whole, 3, None]])


def _odd_ids(cells: Cells, chosen: random.Random) -> None:
    for cell in chosen.sample(cells, 3):
        cell["id"] = chosen.choice([None, 3, "", "x" * 500, "ä/..", cells[0].get("id")])


def _huge_outputs(cells: Cells, chosen: random.Random) -> None:
    cell = chosen.choice([cell for cell in cells if cell["cell_type"] == "code"])
    text = chosen.choice(["x" * 30_000_000, '["]}{' * 4_000_000])
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]


def _own_cells(cells: Cells, chosen: random.Random) -> None:
    magic = "\n".join(f"!echo {number} $HOME | cat" for number in range(600))
    source = chosen.choice([magic, "%%bash\nls", "x = [" * 300, "def f(:", "a" * 2_000_000, "-" * 100_000 + "1"])
    kind = chosen.choice(["code", "markdown"])
    cells.insert(chosen.randrange(len(cells)), {"cell_type": kind, "metadata": {}, "source": source, "outputs": []})


def _attached(cells: Cells, chosen: random.Random) -> None:
    kinds = {"image/svg+xml": "<svg onload='alert(1)'/>", "image/png": "no base64 !", "text/html": "<script>"}
    cell = chosen.choice([cell for cell in cells if cell["cell_type"] == "markdown"])
    cell["attachments"] = chosen.choice([{"a.svg": kinds}, {"x" * 1000: kinds}, [], {"a": None}])


def _grade_id(cell: dict[str, Any]) -> str:
    found = cell["metadata"].get("nbgrader", {}).get("grade_id")
    return found if isinstance(found, str) else ""


def _answers(cells: Cells) -> Cells:
    return [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("solution")]


def _merged(cells: Cells, chosen: random.Random) -> None:
    """As JupyterLab merges: the first cell keeps its id, metadata and kind."""
    place = chosen.randrange(len(cells) - 1)
    first, second = cells[place], cells.pop(place + 1)
    first["source"] = "".join(first["source"]) + "\n\n" + "".join(second["source"])
    first.setdefault("attachments", {}).update(second.get("attachments", {}))
    if first["cell_type"] == "code":
        first.pop("attachments")


def _split(cells: Cells, chosen: random.Random) -> None:
    """As JupyterLab splits: both parts keep the metadata."""
    cell = chosen.choice(_answers(cells))
    text = "".join(cell["source"])
    place = chosen.randrange(1, len(text)) if cell["cell_type"] == "markdown" else text.rfind("\n")
    if place > 0:
        cells.insert(cells.index(cell) + 1, {**copy.deepcopy(cell), "id": "second", "source": text[place:]})
        cell["source"] = text[:place]


def _without(*names: str) -> Callable[[Cells, random.Random], None]:
    def change(cells: Cells, _chosen: random.Random) -> None:
        for cell in cells:
            for name in names:
                cell.pop(name, None)

    return change


def _answers_retyped(cells: Cells, chosen: random.Random) -> None:
    for cell in _answers(cells):
        cell["cell_type"] = chosen.choice(["raw", "code", "markdown"])


def _answer_moved(cells: Cells, chosen: random.Random) -> None:
    """Typed into another cell, while the cell for the answer is left as it was."""
    cell = chosen.choice(_answers(cells))
    kind = chosen.choice(["code", "markdown", "raw", "beside"])
    text = "".join(cell["source"])
    released = {c["id"]: c for c in json.loads(_RELEASED.read_text("utf-8"))["cells"]}
    cell["source"] = released[cell["id"]]["source"]
    place = cells.index(cell) + chosen.choice([0, 1])
    if kind == "beside":
        cells[place - 1]["source"] = "".join(cells[place - 1]["source"]) + "\n" + text
    else:
        cells.insert(place, {"cell_type": kind, "id": "own", "metadata": {}, "source": text})


def _conflict(content: bytes, _chosen: random.Random) -> bytes:
    lines = content.decode().split("\n") if b"\n" in content else json.dumps(json.loads(content), indent=1).split("\n")
    place = len(lines) // 2
    return "\n".join([*lines[:place], "<<<<<<< HEAD", lines[place], "=======", *lines[place:], ">>>>>>> b"]).encode()


def _twice_the_key(content: bytes, chosen: random.Random) -> bytes:
    book = json.loads(content)
    cell = chosen.choice(_answers(book["cells"]))
    whole = json.dumps(cell)
    return json.dumps(book).replace(whole, whole[:-1] + ', "source": ""}').encode()


def _third_format(content: bytes, _chosen: random.Random) -> bytes:
    """nbformat 3: code is in "input", and there are no ids."""
    cells = []
    for cell in json.loads(content)["cells"]:
        code = {"input": cell["source"], "language": "python", "prompt_number": 1}
        kept = {"cell_type": cell["cell_type"], "metadata": cell["metadata"]}
        cells.append({**kept, **(code if cell["cell_type"] == "code" else {"source": cell["source"]})})
    book = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    return json.dumps(book).encode()


def _notebook(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes, random.Random], bytes]:
    def damage(content: bytes, _chosen: random.Random) -> bytes:
        book = json.loads(content)
        change(book)
        return json.dumps(book).encode()

    return damage


def _flipped(content: bytes, chosen: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chosen.choice([1, 20])):
        data[chosen.randrange(len(data))] = chosen.choice([0, 0x22, 0x5C, 0x7B, 0x80, 0xFF])
    return bytes(data)


def _cut(content: bytes, chosen: random.Random) -> bytes:
    return content[: chosen.randrange(len(content))]


NOTEBOOKS: Final[dict[str, Callable[[bytes, random.Random], bytes]]] = {
    "shuffled": _cells(lambda cells, chosen: chosen.shuffle(cells)),
    "doubled": _cells(lambda cells, chosen: cells.extend(copy.deepcopy(chosen.sample(cells, 5)))),
    "retyped": _cells(_retyped),
    "bad metadata": _cells(_bad_metadata),
    "odd sources": _cells(_odd_sources),
    "odd ids": _cells(_odd_ids),
    "huge outputs": _cells(_huge_outputs),
    "own cells": _cells(_own_cells),
    "attachments": _cells(_attached),
    "no cells": _cells(lambda cells, _: cells.clear()),
    "locked cells gone": _cells(lambda cells, _: _keep(cells, lambda known: not known.get("locked"))),
    "flipped": _flipped,
    "cut": _cut,
    "empty": lambda _content, _chosen: b"",
    "byte order mark": lambda content, _: b"\xef\xbb\xbf" + content,
    "utf-16": lambda content, _: content.decode().encode("utf-16"),
    "gbk": lambda content, _: content.decode().encode("gbk", "replace"),
    "windows lines": lambda content, _: content.replace(b"\n", b"\r\n"),
    "nested deeply": lambda _content, chosen: b'{"cells": ' + chosen.choice([b"[", b'{"a":']) * 200_000,
    "a million cells": lambda _content, _chosen: b'{"cells": [' + b"{}," * 1_000_000 + b"{}]}",
    "numbers without end": lambda content, _: content[:-2] + b', "n": ' + b"9" * 500_000 + b"}",
    "merged": _cells(_merged),
    "split": _cells(_split),
    "ids lost": _cells(_without("id")),
    "metadata lost": _cells(lambda cells, _: [cell.update(metadata={}) for cell in cells]),
    "ids and metadata lost": _cells(lambda cells, _: [(cell.update(metadata={}), cell.pop("id", 0)) for cell in cells]),
    "answers retyped": _cells(_answers_retyped),
    "answer moved": _cells(_answer_moved),
    "merge conflict": _conflict,
    "twice the key": _twice_the_key,
    "comma at the end": lambda content, _: content.rstrip()[:-1] + b",}",
    "a number that is none": lambda content, _: content.rstrip()[:-1] + b', "n": [NaN, -Infinity]}',
    "utf-16 without mark": lambda content, _: content.decode().encode("utf-16-le"),
    "latin-1": lambda content, _: content.decode().encode("latin-1", "replace"),
    "other kernel": _notebook(lambda book: book.update(metadata={"kernelspec": {"name": "ir", "language": "R"}})),
    "format 4.0": _notebook(lambda book: book.update(nbformat_minor=0)),
    "third format": _third_format,
    "another format": lambda content, _: json.dumps(
        {"nbformat": 3, "worksheets": [{"cells": json.loads(content)["cells"]}]}
    ).encode(),
}


def _keep(cells: Cells, wanted: Callable[[dict[str, Any]], bool]) -> None:
    cells[:] = [cell for cell in cells if wanted(cell["metadata"].get("nbgrader", {}))]


# --- the evidence -----------------------------------------------------------------------------------------------------


def _weights(value: float) -> Callable[[Path, random.Random], None]:
    """Weights that are no numbers, in an archive whose digest is noted anew."""

    def damage(folder: Path, chosen: random.Random) -> None:
        archive, record = _network(folder, chosen)

        def change(_config: Any, file: Any) -> None:
            path = chosen.choice(classroom.layer_paths(archive.read_bytes()))[1]
            weight = file[f"{path}/vars/0"]
            values = weight[...]
            values.flat[:: chosen.choice([1, 7])] = value
            weight[...] = values

        _renewed(archive, record, classroom.rewritten(archive.read_bytes(), change))

    return damage


def _network(folder: Path, chosen: random.Random) -> tuple[Path, Path]:
    question = chosen.choice(["q1", "q3"])
    return folder / f"{question}.keras", folder / f"{question}.json"


def _renewed(archive: Path, record: Path, content: bytes) -> None:
    archive.write_bytes(content)
    noted = json.loads(record.read_text())
    noted["model"] = {"sha256": hashlib.sha256(content).hexdigest()}
    record.write_bytes(sealed(noted))


def _broken_weights(folder: Path, chosen: random.Random) -> None:
    """An HDF5 file cut or flipped inside a sound zip, with the digest that belongs to it."""
    archive, record = _network(folder, chosen)
    with zipfile.ZipFile(archive) as source:
        contents = {name: source.read(name) for name in source.namelist()}
    name = chosen.choice(list(contents))
    contents[name] = chosen.choice([_cut, _flipped])(contents[name], chosen)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", chosen.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as target:
        for each, content in contents.items():
            target.writestr(each, content)
        if chosen.random() < 0.3:
            target.writestr(chosen.choice(["../x", "q.pkl", "config.json ", "a" * 300]), b"x" * 100)
    _renewed(archive, record, packed.getvalue())


def _bomb(folder: Path, chosen: random.Random) -> None:
    archive, record = _network(folder, chosen)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            target.writestr(name, bytes(60_000_000))
    _renewed(archive, record, packed.getvalue())


def _any_file(damage: Callable[[bytes, random.Random], bytes]) -> Callable[[Path, random.Random], None]:
    def change(folder: Path, chosen: random.Random) -> None:
        path = chosen.choice(sorted(folder.glob("*.keras")))
        path.write_bytes(damage(path.read_bytes(), chosen))

    return change


def _record(folder: Path, chosen: random.Random) -> None:
    """A record that is broken, huge, nested deeply or of other types."""
    path = chosen.choice(sorted(folder.glob("*.json")))
    content = path.read_bytes()
    noted = json.loads(content)
    strange: Any = chosen.choice(
        [None, 3, "x", [], {}, [None], {"loss": "x"}, float("nan"), {"loss": [[]], "val_loss": {}}]
    )
    broken = [
        content[: chosen.randrange(1, len(content) - 1)],
        content[:-1] + b', "n": "' + b"x" * 1_500_000 + b'"}',
        content[:-1] + b', "n": ' + b"[" * 100_000 + b"}",
        content.decode().encode("utf-16"),
        json.dumps({**noted, chosen.choice(list(noted)): strange}).encode(),
        json.dumps({**noted, "n": list(range(150_000))}).encode(),
    ]
    path.write_bytes(chosen.choice(broken))


def _missing(folder: Path, chosen: random.Random) -> None:
    for path in chosen.sample(sorted(folder.iterdir()), chosen.randrange(1, 4)):
        path.unlink()


def _swapped(folder: Path, _chosen: random.Random) -> None:
    for suffix in (".json", ".keras"):
        one, other = folder / f"q1{suffix}", folder / f"q3{suffix}"
        kept = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(kept)


EVIDENCE: Final[dict[str, Callable[[Path, random.Random], None]]] = {
    "archive cut": _any_file(_cut),
    "archive flipped": _any_file(_flipped),
    "archive empty": _any_file(lambda _content, _chosen: b""),
    "weights of NaN": _weights(np.nan),
    "weights of infinity": _weights(np.inf),
    "huge weights": _weights(3e38),
    "broken weights": _broken_weights,
    "bomb": _bomb,
    "record": _record,
    "missing": _missing,
    "swapped": _swapped,
    "folder gone": lambda folder, _: shutil.rmtree(folder),
}


# --- the folder -------------------------------------------------------------------------------------------------------


def _linked(folder: Path, chosen: random.Random) -> None:
    path = chosen.choice([folder / NOTEBOOK, folder / "evidence", folder / "evidence/q1.keras"])
    if path.exists():
        path.rename(folder.with_name(f"elsewhere-{chosen.randrange(10**9)}"))
        path.symlink_to(chosen.choice(["/dev/zero", "/proc/self/environ", "nowhere", str(folder), "../.."]))


def _special(folder: Path, chosen: random.Random) -> None:
    path = chosen.choice([folder / NOTEBOOK, folder / "evidence/q3.json", folder / "more.ipynb"])
    if path.parent.is_dir():
        path.unlink(missing_ok=True)
        if chosen.random() < 0.5:
            os.mkfifo(path)
        else:
            path.mkdir()


def _more(folder: Path, chosen: random.Random) -> None:
    names = [
        os.fsdecode("实验.ipynb".encode("gbk")),
        "a\nb.ipynb",
        "-rf.ipynb",
        "=1+1.json",
        "x" * 200,
        "page.htm",
        "a.svg",
    ]
    contents = [b"", b"{}", b"[" * 1000, b"<script>alert(1)</script>", bytes(1_000_000)]
    places = [place for place in (folder, folder / "evidence") if place.is_dir() and not place.is_symlink()]
    for name in chosen.sample(names, 3):
        (chosen.choice(places) / name).write_bytes(chosen.choice(contents))
    if chosen.random() < 0.1:
        for number in range(600):
            (folder / f".a{number}").touch()


def _renamed(folder: Path, chosen: random.Random) -> None:
    path = folder / NOTEBOOK
    if path.is_file() and not path.is_symlink():
        path.rename(
            folder / chosen.choice(["Copy of spotify.ipynb", "作业.ipynb", "spotify.ipynb.json", "spotify (1).ipynb"])
        )


def _copied(folder: Path, _chosen: random.Random) -> None:
    """The answered notebook is a copy; under the right name lies the untouched one."""
    path = folder / NOTEBOOK
    if path.is_file() and not path.is_symlink():
        path.rename(folder / "spotify-Copy1.ipynb")
        shutil.copy(_RELEASED, path)


def _packed(folder: Path, chosen: random.Random) -> None:
    """All of it in one zip, or in a folder of its own."""
    inner = folder / "my work"
    names = [path for path in folder.iterdir() if path.name != "timestamp.txt"]
    inner.mkdir()
    for path in names:
        path.rename(inner / path.name)
    if chosen.random() < 0.5:
        shutil.make_archive(str(folder / "work"), "zip", inner)
        shutil.rmtree(inner)


def _other_document(folder: Path, chosen: random.Random) -> None:
    """The notebook as it was released, the work in a file that nobody reads."""
    path = folder / NOTEBOOK
    if path.is_file() and not path.is_symlink():
        path.rename(folder / chosen.choice(["answers.docx", "spotify.html", "work.rar", "answers.txt", "spotify.py"]))
        shutil.copy(_RELEASED, path)


FOLDERS: Final[dict[str, Callable[[Path, random.Random], object]]] = {
    "linked": _linked,
    "special": _special,
    "more files": _more,
    "renamed": _renamed,
    "copied": _copied,
    "packed": _packed,
    "other document": _other_document,
    "no time": lambda folder, chosen: (folder / "timestamp.txt").write_bytes(
        chosen.choice([b"", b"\xff\xfe", b"yesterday", b"9" * 100_000, b"0001-01-01 00:00:00 +2359"])
    ),
}

HARMLESS: Final = frozenset(
    [
        "shuffled",
        "odd ids",
        "huge outputs",
        "byte order mark",
        "utf-16",
        "utf-16 without mark",
        "windows lines",
        "another format",
        "third format",
        "format 4.0",
        "other kernel",
        "a number that is none",
        "ids lost",
        "metadata lost",
        "renamed",
        "no time",
    ]
)
"""Damage after which a submission is graded as before and nobody is asked to look."""


def damaged(folder: Path, chosen: random.Random) -> tuple[str, ...]:
    """Damage a submission's folder; gives the kinds of damage done, none for one in twenty."""
    if chosen.random() < 0.05:
        return ()
    kinds = []
    parts: tuple[Mapping[str, Any], ...] = chosen.choice(
        [(NOTEBOOKS,), (EVIDENCE,), (FOLDERS,), (NOTEBOOKS, EVIDENCE), (NOTEBOOKS, EVIDENCE, FOLDERS)]
    )
    for part in parts:
        kind = chosen.choice(sorted(part))
        kinds.append(kind)
        if part is NOTEBOOKS:
            path = folder / NOTEBOOK
            path.write_bytes(NOTEBOOKS[kind](path.read_bytes(), chosen))
        elif part is EVIDENCE:
            EVIDENCE[kind](folder / "evidence", chosen)
        else:
            FOLDERS[kind](folder, chosen)
    return tuple(kinds)
