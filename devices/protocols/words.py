"""What codecs say of damage, in the words of whoever reads a page or a report.

A codec's `why` is a short English text that its tests and the log name; here is what a person
reads. What is not in the table is told as it stands, so that nothing is hidden.
"""

from __future__ import annotations

import re

from devices.protocols.base import FOREIGN

_WHY = {
    "checksum": "校验和不对",
    "check byte": "校验字节不对",
    "LRC": "校验（LRC）不对",
    "cut off": "中途断掉",
    "a transaction is cut off": "事务不完整",
    "data message without its end": "缺结尾",
    "shorter than a message": "太短",
    "bytes behind a short message": "短帧后有多余字节",
    "not as long as its command says": "长度与命令不符",
    "not as long as it says": "长度与所报不符",
    "data that is no text": "数据不是文字",
    "no frame": "不成帧",
    "no block": "不成块",
    "no whole block": "块不完整",
    "no end": "缺结尾",
    "no status": "没有这种状态",
    "no transaction": "不是交易",
    "no totals": "不是泵码",
    "no such block": "没有这种块",
    "no such handle": "没有这种枪柄状态",
    "no extended status": "不是扩展状态",
    "no price level": "没有这个价格档",
    "no grade": "没有这个油品",
    "one grade twice": "同一油品报了两次",
    "a byte that is no word": "有不合规的字节",
    FOREIGN: "应答的是别的地址",
    "nobody was asked": "没有问就有应答",
    "no end mark": "没有结束符",
    "not ASCII": "不是文字",
    "not a card frame": "不是卡号帧",
    "not hexadecimal": "卡号不是十六进制",
    "parameters too short": "参数太短",
    "no message": "不成帧",
    "no whole frame": "帧不完整",
    "no whole answer": "应答不完整",
    "broken off": "主机中断了应答",
    "tank 00": "罐号为 0",
    "a tank twice": "同一个罐报了两次",
    "a byte and its complement": "有字节与补码不符",
    "nobody is asked": "没有写明问谁",
    "no such kind of message": "没有这种报文",
    "no database address": "没有数据库地址",
    "nothing acknowledged": "没有写明确认什么",
    "an item is cut off": "数据项不完整",
    "other items than were asked for": "答的不是所问的数据项",
    "our own question came back": "收到的是自己发出的（转换器回显？）",
}
_PATTERNS = (
    (re.compile(r"no address (\w+)"), r"没有地址 \1"),
    (re.compile(r"no control byte (\w+)"), r"没有控制字节 \1"),
    (re.compile(r"no command (\w+)"), r"没有命令 \1"),
    (re.compile(r"no status (\w+)"), r"没有状态 \1"),
    (re.compile(r"(\d+) bytes where (\w+) belongs?"), r"有 \1 字节，长度不对"),
    (re.compile(r"state (\d+) with nozzle (\d+)"), r"状态 \1 与枪位 \2 不符"),
    (re.compile(r"(\S+) is no answer to this question"), r"答非所问（\1）"),
    (re.compile(r"a head does not send (\w+)"), r"机头不会发 \1"),
    (re.compile(r"(\S+) is no answer to (\w+)"), r"答非所问（问 \2，答 \1）"),
    (re.compile(r"(\S+) is neither yes nor no"), r"\1 既不是接受也不是拒绝"),
    (re.compile(r"(\S+) is no state"), r"没有状态 \1"),
    (re.compile(r"(\S+) is not BCD"), r"\1 不是 BCD 数"),
    (re.compile(r"(\S*) is no number"), r"\1 不是数"),
    (re.compile(r"(\S*) is not (?:one byte|\d+ bytes)"), r"\1 长度不对"),
)


def reason(why: str) -> str:
    """Why something was damaged or not taken, in Chinese."""
    if why in _WHY:
        return _WHY[why]
    for pattern, words in _PATTERNS:
        if pattern.fullmatch(why):
            return pattern.sub(words, why)
    return why


def damaged(raw: bytes, why: str) -> str:
    """A frame that cannot be read, with its bytes."""
    return f"损坏（{reason(why)}）：{raw.hex(' ').upper()}"
