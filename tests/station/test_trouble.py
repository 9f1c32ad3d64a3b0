"""What is said of a wire that fails: words for whoever stands before it, no path, no English."""

import errno

import pytest
import serial

from station.queries.trouble import said_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"), "线没有插好"),
        (PermissionError(errno.EACCES, "Permission denied"), "没有权限"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "没有在接受连接"),
        (TimeoutError("timed out"), "没有应答"),
        (OSError(errno.ENETUNREACH, "unreachable"), "网络不通"),
        (ValueError("invalid literal for int()"), "地址写得不对"),
        (OSError("something else"), "请检查接线和电源"),
    ],
)
def test_an_error_becomes_words(error, words):
    assert words in said_of(error)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/dev/ttyNowhere7", "线没有插好"),
        ("socket://127.0.0.1:1", "没有在接受连接"),
        ("/dev/null", "不是一个串口"),
        ("socket://nonsense", "地址写得不对"),
    ],
)
def test_what_pyserial_wraps_is_found(url, words):
    with pytest.raises(serial.SerialException) as raised:
        serial.serial_for_url(url, timeout=0.5)
    told = said_of(raised.value)
    assert words in told and url not in told
