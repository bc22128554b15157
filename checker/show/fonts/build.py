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
    "诊断评判要点处置换移删除填写答案提示解释选择跑步骤检查核卷池连嵌遮掩蔽随机种抽样划分混淆矩阵概密度凸凹谷峰坡陡缓慢快迅速震荡抖波幅噪声"
    "滑粗细窄宽厚薄深浅左右两侧轴横纵坐刻阴影区域段箭头颜色蓝橙红绿灰黑白线虚实圈叉勾号注释图例标签题目课程教材答题卡作业笔记本内核重启执行"
    "保存载读取文档夹键盘鼠窗屏幕辅助阅览器终端命令行版权许可谢欢迎请您谁哪怎吗呢吧啊何须够足仅约几乎略微显著剧烈突仍旧依然始终末尾倒退回撤"
    "某每任另余双单独共享同步异常警告错误忽略跳过允禁默认参考例如即使虽尽管否则除非因故既又再曾经刚才马立永久暂短期较越愈甚极太非常十百千万亿"
    "零负正整浮点小位舍入近似恒常变幅增减乘除加和差积商根方幂指对数底限无穷溢出崩溃失效坏死亡卡住僵饱爆炸消梯链式传播反向前馈循环注意自编码"
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
