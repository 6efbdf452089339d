"""The films of the demo site: what is true, before any page is written. Every title and every name is invented.

`films(board)` gives them as the items that the shipped spiders are to find.
"""

from __future__ import annotations

from typing import NamedTuple

_NOW_SHOWING = """
纸鹤邮局 雾港来信 倒着走的钟 第七个糖罐 会唱歌的盐湖 借来的北极星 猫&灯塔 我家楼下的火星人
慢车开往云顶 明天还没有分数
"""

_CLASSICS = """
盐与星轨 旧船坞的冬天 守塔人与鲸 雨街三十九号 无字地图 一万片落叶的重量 最后一班缆车 蓝玻璃温室
风箱与钢琴 沉默的磨坊 河对岸的裁缝 月亮修理铺 三颗门牙 草垛上的宇航员 白瓷钟表匠 消失的第十三层
稻田里的灯 南方以南的雪 养云的人 木马不许入内 骆驼写的诗 二月三十日 空信封 地下室的海 摆渡人的算盘
铁皮屋顶交响曲 橘子味的雷雨 谁偷了影子 半个苹果的战争 石桥下的剧团 夜航灯 长颈鹿搬家 请给沙漠寄伞
鱼骨胡同 最高的矮个子 无人认领的春天 青铜门铃 冰窖里的向日葵 数羊的将军 不存在的车站 麦浪电台
寄往昨天的包裹 灰雀与左轮 茶馆里的彗星 九十九级台阶 玻璃海岸 驯风记 一场没有胜者的象棋 松针落在雪上
红伞少年 潮汐会计师 乌鸦的婚礼 停电的节日 大象不坐电梯 梯田上的提琴手 折叠的城 老邮差的第二次出发
酸梅汤侦探 屋顶菜园保卫战 远山有信号 煤油灯下的几何 缝补天空的女人 候鸟管理员 一只鞋的旅行
瓦片上的猫步 打烊之后 把河流带回家 石榴与手风琴 向西的窗 雪人辩护律师 失物招领处的国王 豆腐坊密码
十二点零一分 水塔上的信鸽 冬眠指南 绿皮车厢 三叶草银行 竹林信号灯 不肯落下的太阳 糖纸星球
井底的望远镜 铜锣湾没有铜锣手 和影子下棋 荞麦花开时 旋转的木楼梯 海盐焦糖与少年 灯笼作坊 北窗的雨
迟到的候车人 黑白键之间 骑单车的修女 一座岛的户口 冻土上的舞会 星期八 卖风筝的数学家 第二十五个字母
油纸船 山那边的回声 无名小站 好久不见旧时光机
"""

_PEOPLE = """
闻山月 柯予安 祁鹿鸣 乔望舒 温如磐 裴听澜 阮青禾 项南烛 宫白露 邵砚秋 尉迟川 梅渡 钟离雪 费小满
奥尔加·温特里 巴斯蒂安·克罗姆 伊莎·莫兰德尔 托比·阿什比恩 鲁本·萨尔维耶 玛尔塔·林德霍尔
埃利奥·帕斯科尼 诺拉·费恩维克 安藤律香 北泽千景 金瑞允 朴多绪 纳迪姆·卡拉维 普丽雅·森德兰
"""

_NAMES = _PEOPLE.split()
_COUNTRIES = ("", "(挪兰)", "(中国香港)", "(弗兰多)", "(日本)")

PAGE = 10  # films on one page of a board


class Film(NamedTuple):
    """One film; `time` is as the board shows it (a date, a date with a country, or only a year)."""

    id: int
    title: str
    actor: str
    time: str
    score: str | None


def _actor(number: int) -> str:
    """Three different people, chosen by arithmetic so that every start of the site shows the same."""
    return ",".join(_NAMES[(number * 5 + step) % len(_NAMES)] for step in (0, 7, 18))


def _classic(rank: int, title: str) -> Film:
    year, month, day = 1946 + rank * 37 % 70, 1 + rank * 7 % 12, 1 + rank * 11 % 28
    time = str(year) if rank % 9 == 0 else f"{year}-{month:02}-{day:02}{_COUNTRIES[rank % 5]}"
    return Film(1000 + rank, title, _actor(rank), time, f"{(968 - rank) // 10 / 10:.1f}")


def _new(rank: int, title: str) -> Film:
    score = f"{9.6 - rank * 0.1:.1f}" if rank < 10 else None  # the last one is too new to have a score
    return Film(2000 + rank, title, _actor(rank + 50), f"2024-05-{rank:02}", score)


BOARDS: dict[int, list[Film]] = {
    4: [_classic(rank, title) for rank, title in enumerate(_CLASSICS.split(), 1)],
    7: [_new(rank, title) for rank, title in enumerate(_NOW_SHOWING.split(), 1)],
}


def films(board: int, site: str = "") -> list[dict[str, str | None]]:
    """The true items of board 7 as `spiders/maoyan.py` yields them, of board 4 as `spiders/maoyan_top100.py` does.

    `site` (such as `Site.url`) is what `poster` and `link` of board 4 begin with. Raises `KeyError` for another board.
    """
    items: list[dict[str, str | None]] = []
    for rank, film in enumerate(BOARDS[board], 1):
        item = {"index": str(rank), "title": film.title, "actor": film.actor, "time": film.time, "score": film.score}
        if board == 4:
            item |= {"poster": f"{site}/posters/{film.id}.svg", "link": f"{site}/films/{film.id}"}
        items.append(item)
    return items
