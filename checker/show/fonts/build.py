"""Cut the course's font from Noto Sans CJK SC: Latin, and the Chinese characters that the checker's words need.

Run it again after a change of the Chinese catalogue, on a machine that has the Noto CJK fonts and fontTools:

    python checker/show/fonts/build.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTCollection  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parent
SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
TARGET = FOLDER / "checker-sans.otf"
CATALOGUES = FOLDER.parents[1] / "locale"
FAMILY = "Checker Sans"  # a subset should not go by the name of the whole

LATIN = "".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100)))) + "‐–—‘’“”…•′×−±≈≤≥→↓↑↔✓✗∞□"
PUNCTUATION = "，。、；：？！（）《》「」『』【】％～·"
FREQUENT = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学"
    "如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日者意无力它与长把机十第此已工使情明性知全三又关点正外将两高间由问"
    "很最重并物手应向头文体相见被利什二等或新己制身果加月话合回特代内信表化老给位次度门任常先通教原声提立及比员解名真论处走义各入几口认条"
    "平系气题活更别打变四总何电数少报才结反受目太量再感建务做接必场件计期直指许统区保至队形便空决展科司五基眼书非则听白却界达光放强即像难"
    "且思象完设式色路记品住告类求据程边该交规取望觉术确传师观清今切让识候带导运训练验证损失轮批网络层密集暂退法归批丢弃率单元激活函数特征"
    "标拟合欠曲线习优器梯值偏差预测误低降升稳健康停止早最佳差距恶化变坏时恢复图第一二次运行之后前从起未学到仍在改善缺少数据均方绝对"
)
"""Common characters, so that a new sentence of the catalogue rarely needs a new font."""


def characters() -> str:
    """Every character the font shall have: Latin, common Chinese and all that stands in a catalogue."""
    catalogues = sorted(CATALOGUES.glob("*/LC_MESSAGES/*.po"))
    spoken = "".join(re.sub(r"\s", "", path.read_text("utf-8")) for path in catalogues)
    return "".join(sorted({*LATIN, *PUNCTUATION, *FREQUENT, *spoken}))


def build() -> None:
    """Write the subset font."""
    fonts = TTCollection(str(SOURCE), lazy=True).fonts
    font = next(font for font in fonts if font["name"].getDebugName(1) == "Noto Sans CJK SC")
    options = subset.Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 4, 6, 13, 14], notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(text=characters())
    cutter.subset(font)
    for record in font["name"].names:
        names = {1: FAMILY, 4: FAMILY, 6: FAMILY.replace(" ", "")}
        record.string = names.get(record.nameID, record.toUnicode())
    top = font["CFF "].cff
    top.fontNames = [FAMILY.replace(" ", "")]
    top[0].FullName = top[0].FamilyName = FAMILY
    font["head"].modified = font["head"].created  # the same characters give the same bytes
    font.recalcTimestamp = False
    font.save(TARGET)


if __name__ == "__main__":
    build()
    sys.stdout.write(f"{TARGET.name}: {TARGET.stat().st_size} bytes\n")
