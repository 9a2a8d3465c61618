"""Sources of prices, as readers know them."""

from __future__ import annotations

#: name of a source in the rows of a study -> its name on a page
SOURCES = {
    "csi300": "CSI 300",
    "csi300_2025": "CSI 300 list of 2025",
    "cn_csi300_baostock_2020_2025": "CSI 300 list of 2025, prices of Baostock",
    "us": "US, no limits",
    "overlay": "simulated market",
}


def source_title(name: str) -> str:
    """The name of a source of prices as readers know it.

    >>> source_title("csi300"), source_title("my_file")
    ('CSI 300', 'my_file')
    """
    return SOURCES.get(name, name)


def window_title(place: str) -> str:
    """A window of a price file in words; the name of the window begins after the first space.

    >>> window_title("csi300 paper B")
    'CSI 300, window of paper B'
    """
    source, _, window = place.partition(" ")
    return f"{source_title(source)}, window of {window}"
