"""Daily rows of every source an A-share user has, as a Panel.

files     bytes of CSV and parquet, their encodings and caps, folders of files
columns   one file as typed columns; a bad value is named with its column and line
keys      spellings of symbols, forms of dates, duplicates
sources/  what each source calls its columns, in which units, and how it writes a halt
grid      rows as arrays [T,N]; tables joined; halted days without a row; previous closes
checks, units, adjustment    what is refused, what is guessed and verified, what is counted
build     the order of all that: load_panel

report, quality    what a file holds; the papers' quality control, each exclusion counted
fetch/             downloads in a source's own shape, for the readers above
"""

from lib.load.build import load_panel

__all__ = ["load_panel"]
