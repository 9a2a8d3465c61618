"""The 101 formulaic alphas of Kakushadze (2016), as a second set beside the papers' 213.

Fractional windows are floored, as the publication says. adv is a dollar average except where it is compared with
or divided by share volume. indneutralize needs an industry label, number 56 the market value.
"""

from __future__ import annotations

from lib.factors.fields import amount, cap, close, high, industry, low, open, ret, sector, subindustry, volume, vwap
from lib.factors.registry import Family
from lib.ops import (
    abs,
    cs_rank,
    cs_scale,
    decay_linear,
    delay,
    delta,
    equal,
    group_neutralize,
    log,
    max,
    min,
    power,
    sign,
    signedpower,
    ts_argmax,
    ts_argmin,
    ts_corr,
    ts_cov,
    ts_max,
    ts_mean,
    ts_min,
    ts_product,
    ts_rank,
    ts_std,
    ts_sum,
    where,
)

alpha101 = Family("alpha101", "Kakushadze's 101 formulaic alphas")

alpha101("alpha101_001", cs_rank(ts_argmax(signedpower(where(ret < 0, ts_std(ret, 20), close), 2), 5)) - 0.5, "formulaic alpha 1", "Kakushadze 2016 #1")
alpha101("alpha101_002", -ts_corr(cs_rank(delta(log(volume), 2)), cs_rank((close - open) / open), 6), "formulaic alpha 2", "Kakushadze 2016 #2")
alpha101("alpha101_003", -ts_corr(cs_rank(open), cs_rank(volume), 10), "formulaic alpha 3", "Kakushadze 2016 #3")
alpha101("alpha101_004", -ts_rank(cs_rank(low), 9), "formulaic alpha 4", "Kakushadze 2016 #4")
alpha101("alpha101_005", cs_rank(open - ts_mean(vwap, 10)) * (-abs(cs_rank(close - vwap))), "formulaic alpha 5", "Kakushadze 2016 #5")
alpha101("alpha101_006", -ts_corr(open, volume, 10), "formulaic alpha 6", "Kakushadze 2016 #6")
alpha101("alpha101_007", where(ts_mean(volume, 20) < volume, -ts_rank(abs(delta(close, 7)), 60) * sign(delta(close, 7)), -1), "formulaic alpha 7", "Kakushadze 2016 #7")
alpha101("alpha101_008", -cs_rank(ts_sum(open, 5) * ts_sum(ret, 5) - delay(ts_sum(open, 5) * ts_sum(ret, 5), 10)), "formulaic alpha 8", "Kakushadze 2016 #8")
alpha101("alpha101_009", where(ts_min(delta(close, 1), 5) > 0, delta(close, 1), where(ts_max(delta(close, 1), 5) < 0, delta(close, 1), -delta(close, 1))), "formulaic alpha 9", "Kakushadze 2016 #9")
alpha101("alpha101_010", cs_rank(where(ts_min(delta(close, 1), 4) > 0, delta(close, 1), where(ts_max(delta(close, 1), 4) < 0, delta(close, 1), -delta(close, 1)))), "formulaic alpha 10", "Kakushadze 2016 #10")
alpha101("alpha101_011", (cs_rank(ts_max(vwap - close, 3)) + cs_rank(ts_min(vwap - close, 3))) * cs_rank(delta(volume, 3)), "formulaic alpha 11", "Kakushadze 2016 #11")
alpha101("alpha101_012", sign(delta(volume, 1)) * (-delta(close, 1)), "formulaic alpha 12", "Kakushadze 2016 #12")
alpha101("alpha101_013", -cs_rank(ts_cov(cs_rank(close), cs_rank(volume), 5)), "formulaic alpha 13", "Kakushadze 2016 #13")
alpha101("alpha101_014", -cs_rank(delta(ret, 3)) * ts_corr(open, volume, 10), "formulaic alpha 14", "Kakushadze 2016 #14")
alpha101("alpha101_015", -ts_sum(cs_rank(ts_corr(cs_rank(high), cs_rank(volume), 3)), 3), "formulaic alpha 15", "Kakushadze 2016 #15")
alpha101("alpha101_016", -cs_rank(ts_cov(cs_rank(high), cs_rank(volume), 5)), "formulaic alpha 16", "Kakushadze 2016 #16")
alpha101("alpha101_017", -cs_rank(ts_rank(close, 10)) * cs_rank(delta(delta(close, 1), 1)) * cs_rank(ts_rank(volume / ts_mean(volume, 20), 5)), "formulaic alpha 17", "Kakushadze 2016 #17")
alpha101("alpha101_018", -cs_rank(ts_std(abs(close - open), 5) + close - open + ts_corr(close, open, 10)), "formulaic alpha 18", "Kakushadze 2016 #18")
alpha101("alpha101_019", -sign(close - delay(close, 7) + delta(close, 7)) * (1 + cs_rank(1 + ts_sum(ret, 250))), "formulaic alpha 19", "Kakushadze 2016 #19")
alpha101("alpha101_020", -cs_rank(open - delay(high, 1)) * cs_rank(open - delay(close, 1)) * cs_rank(open - delay(low, 1)), "formulaic alpha 20", "Kakushadze 2016 #20")
alpha101("alpha101_021", where(ts_mean(close, 8) + ts_std(close, 8) < ts_mean(close, 2), -1, where(ts_mean(close, 2) < ts_mean(close, 8) - ts_std(close, 8), 1, where((volume / ts_mean(volume, 20) > 1) | equal(volume / ts_mean(volume, 20), 1), 1, -1))), "formulaic alpha 21", "Kakushadze 2016 #21")
alpha101("alpha101_022", -delta(ts_corr(high, volume, 5), 5) * cs_rank(ts_std(close, 20)), "formulaic alpha 22", "Kakushadze 2016 #22")
alpha101("alpha101_023", where(ts_mean(high, 20) < high, -delta(high, 2), 0), "formulaic alpha 23", "Kakushadze 2016 #23")
alpha101("alpha101_024", where((delta(ts_mean(close, 100), 100) / delay(close, 100) < 0.05) | equal(delta(ts_mean(close, 100), 100) / delay(close, 100), 0.05), -(close - ts_min(close, 100)), -delta(close, 3)), "formulaic alpha 24", "Kakushadze 2016 #24")
alpha101("alpha101_025", cs_rank(-ret * ts_mean(amount, 20) * vwap * (high - close)), "formulaic alpha 25", "Kakushadze 2016 #25")
alpha101("alpha101_026", -ts_max(ts_corr(ts_rank(volume, 5), ts_rank(high, 5), 5), 3), "formulaic alpha 26", "Kakushadze 2016 #26")
alpha101("alpha101_027", where(cs_rank(ts_mean(ts_corr(cs_rank(volume), cs_rank(vwap), 6), 2)) > 0.5, -1, 1), "formulaic alpha 27", "Kakushadze 2016 #27")
alpha101("alpha101_028", cs_scale(ts_corr(ts_mean(amount, 20), low, 5) + (high + low) / 2 - close), "formulaic alpha 28", "Kakushadze 2016 #28")
alpha101("alpha101_029", ts_min(ts_product(cs_rank(cs_rank(cs_scale(log(ts_sum(ts_min(cs_rank(cs_rank(-cs_rank(delta(close - 1, 5)))), 2), 1))))), 1), 5) + ts_rank(delay(-ret, 6), 5), "formulaic alpha 29", "Kakushadze 2016 #29")
alpha101("alpha101_030", (1 - cs_rank(sign(close - delay(close, 1)) + sign(delay(close, 1) - delay(close, 2)) + sign(delay(close, 2) - delay(close, 3)))) * ts_sum(volume, 5) / ts_sum(volume, 20), "formulaic alpha 30", "Kakushadze 2016 #30")
alpha101("alpha101_031", cs_rank(cs_rank(cs_rank(decay_linear(-cs_rank(cs_rank(delta(close, 10))), 10)))) + cs_rank(-delta(close, 3)) + sign(cs_scale(ts_corr(ts_mean(amount, 20), low, 12))), "formulaic alpha 31", "Kakushadze 2016 #31")
alpha101("alpha101_032", cs_scale(ts_mean(close, 7) - close) + 20 * cs_scale(ts_corr(vwap, delay(close, 5), 230)), "formulaic alpha 32", "Kakushadze 2016 #32")
alpha101("alpha101_033", cs_rank(-(1 - open / close)), "formulaic alpha 33", "Kakushadze 2016 #33")
alpha101("alpha101_034", cs_rank(1 - cs_rank(ts_std(ret, 2) / ts_std(ret, 5)) + 1 - cs_rank(delta(close, 1))), "formulaic alpha 34", "Kakushadze 2016 #34")
alpha101("alpha101_035", ts_rank(volume, 32) * (1 - ts_rank(close + high - low, 16)) * (1 - ts_rank(ret, 32)), "formulaic alpha 35", "Kakushadze 2016 #35")
alpha101("alpha101_036", 2.21 * cs_rank(ts_corr(close - open, delay(volume, 1), 15)) + 0.7 * cs_rank(open - close) + 0.73 * cs_rank(ts_rank(delay(-ret, 6), 5)) + cs_rank(abs(ts_corr(vwap, ts_mean(amount, 20), 6))) + 0.6 * cs_rank((ts_mean(close, 200) - open) * (close - open)), "formulaic alpha 36", "Kakushadze 2016 #36")
alpha101("alpha101_037", cs_rank(ts_corr(delay(open - close, 1), close, 200)) + cs_rank(open - close), "formulaic alpha 37", "Kakushadze 2016 #37")
alpha101("alpha101_038", -cs_rank(ts_rank(close, 10)) * cs_rank(close / open), "formulaic alpha 38", "Kakushadze 2016 #38")
alpha101("alpha101_039", -cs_rank(delta(close, 7) * (1 - cs_rank(decay_linear(volume / ts_mean(volume, 20), 9)))) * (1 + cs_rank(ts_sum(ret, 250))), "formulaic alpha 39", "Kakushadze 2016 #39")
alpha101("alpha101_040", -cs_rank(ts_std(high, 10)) * ts_corr(high, volume, 10), "formulaic alpha 40", "Kakushadze 2016 #40")
alpha101("alpha101_041", power(high * low, 0.5) - vwap, "formulaic alpha 41", "Kakushadze 2016 #41")
alpha101("alpha101_042", cs_rank(vwap - close) / cs_rank(vwap + close), "formulaic alpha 42", "Kakushadze 2016 #42")
alpha101("alpha101_043", ts_rank(volume / ts_mean(volume, 20), 20) * ts_rank(-delta(close, 7), 8), "formulaic alpha 43", "Kakushadze 2016 #43")
alpha101("alpha101_044", -ts_corr(high, cs_rank(volume), 5), "formulaic alpha 44", "Kakushadze 2016 #44")
alpha101("alpha101_045", -cs_rank(ts_mean(delay(close, 5), 20)) * ts_corr(close, volume, 2) * cs_rank(ts_corr(ts_sum(close, 5), ts_sum(close, 20), 2)), "formulaic alpha 45", "Kakushadze 2016 #45")
alpha101("alpha101_046", where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 > 0.25, -1, where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 < 0, 1, -(close - delay(close, 1)))), "formulaic alpha 46", "Kakushadze 2016 #46")
alpha101("alpha101_047", cs_rank(1 / close) * volume / ts_mean(volume, 20) * high * cs_rank(high - close) / ts_mean(high, 5) - cs_rank(vwap - delay(vwap, 5)), "formulaic alpha 47", "Kakushadze 2016 #47")
alpha101("alpha101_048", group_neutralize(ts_corr(delta(close, 1), delta(delay(close, 1), 1), 250) * delta(close, 1) / close, subindustry) / ts_sum(power(delta(close, 1) / delay(close, 1), 2), 250), "formulaic alpha 48", "Kakushadze 2016 #48")
alpha101("alpha101_049", where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 < -0.1, 1, -(close - delay(close, 1))), "formulaic alpha 49", "Kakushadze 2016 #49")
alpha101("alpha101_050", -ts_max(cs_rank(ts_corr(cs_rank(volume), cs_rank(vwap), 5)), 5), "formulaic alpha 50", "Kakushadze 2016 #50")
alpha101("alpha101_051", where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 < -0.05, 1, -(close - delay(close, 1))), "formulaic alpha 51", "Kakushadze 2016 #51")
alpha101("alpha101_052", (-ts_min(low, 5) + delay(ts_min(low, 5), 5)) * cs_rank((ts_sum(ret, 240) - ts_sum(ret, 20)) / 220) * ts_rank(volume, 5), "formulaic alpha 52", "Kakushadze 2016 #52")
alpha101("alpha101_053", -delta((close - low - (high - close)) / (close - low), 9), "formulaic alpha 53", "Kakushadze 2016 #53")
alpha101("alpha101_054", -(low - close) * power(open, 5) / ((low - high) * power(close, 5)), "formulaic alpha 54", "Kakushadze 2016 #54")
alpha101("alpha101_055", -ts_corr(cs_rank((close - ts_min(low, 12)) / (ts_max(high, 12) - ts_min(low, 12))), cs_rank(volume), 6), "formulaic alpha 55", "Kakushadze 2016 #55")
alpha101("alpha101_056", -cs_rank(ts_sum(ret, 10) / ts_sum(ts_sum(ret, 2), 3)) * cs_rank(ret * cap), "formulaic alpha 56", "Kakushadze 2016 #56")
alpha101("alpha101_057", -(close - vwap) / decay_linear(cs_rank(ts_argmax(close, 30)), 2), "formulaic alpha 57", "Kakushadze 2016 #57")
alpha101("alpha101_058", -ts_rank(decay_linear(ts_corr(group_neutralize(vwap, sector), volume, 3), 7), 5), "formulaic alpha 58", "Kakushadze 2016 #58")
alpha101("alpha101_059", -ts_rank(decay_linear(ts_corr(group_neutralize(vwap, industry), volume, 4), 16), 8), "formulaic alpha 59", "Kakushadze 2016 #59")
alpha101("alpha101_060", -(2 * cs_scale(cs_rank((close - low - (high - close)) / (high - low) * volume)) - cs_scale(cs_rank(ts_argmax(close, 10)))), "formulaic alpha 60", "Kakushadze 2016 #60")
alpha101("alpha101_061", cs_rank(vwap - ts_min(vwap, 16)) < cs_rank(ts_corr(vwap, ts_mean(amount, 180), 17)), "formulaic alpha 61", "Kakushadze 2016 #61")
alpha101("alpha101_062", -(cs_rank(ts_corr(vwap, ts_sum(ts_mean(amount, 20), 22), 9)) < cs_rank(cs_rank(open) + cs_rank(open) < cs_rank((high + low) / 2) + cs_rank(high))), "formulaic alpha 62", "Kakushadze 2016 #62")
alpha101("alpha101_063", -(cs_rank(decay_linear(delta(group_neutralize(close, industry), 2), 8)) - cs_rank(decay_linear(ts_corr(vwap * 0.318108 + open * 0.681892, ts_sum(ts_mean(amount, 180), 37), 13), 12))), "formulaic alpha 63", "Kakushadze 2016 #63")
alpha101("alpha101_064", -(cs_rank(ts_corr(ts_sum(open * 0.178404 + low * 0.821596, 12), ts_sum(ts_mean(amount, 120), 12), 16)) < cs_rank(delta((high + low) / 2 * 0.178404 + vwap * 0.821596, 3))), "formulaic alpha 64", "Kakushadze 2016 #64")
alpha101("alpha101_065", -(cs_rank(ts_corr(open * 0.00817205 + vwap * 0.99182795, ts_sum(ts_mean(amount, 60), 8), 6)) < cs_rank(open - ts_min(open, 13))), "formulaic alpha 65", "Kakushadze 2016 #65")
alpha101("alpha101_066", -(cs_rank(decay_linear(delta(vwap, 3), 7)) + ts_rank(decay_linear((low - vwap) / (open - (high + low) / 2), 11), 6)), "formulaic alpha 66", "Kakushadze 2016 #66")
alpha101("alpha101_067", -power(cs_rank(high - ts_min(high, 2)), cs_rank(ts_corr(group_neutralize(vwap, sector), group_neutralize(ts_mean(amount, 20), subindustry), 6))), "formulaic alpha 67", "Kakushadze 2016 #67")
alpha101("alpha101_068", -(ts_rank(ts_corr(cs_rank(high), cs_rank(ts_mean(amount, 15)), 8), 13) < cs_rank(delta(close * 0.518371 + low * 0.481629, 1))), "formulaic alpha 68", "Kakushadze 2016 #68")
alpha101("alpha101_069", -power(cs_rank(ts_max(delta(group_neutralize(vwap, industry), 2), 4)), ts_rank(ts_corr(close * 0.490655 + vwap * 0.509345, ts_mean(amount, 20), 4), 9)), "formulaic alpha 69", "Kakushadze 2016 #69")
alpha101("alpha101_070", -power(cs_rank(delta(vwap, 1)), ts_rank(ts_corr(group_neutralize(close, industry), ts_mean(amount, 50), 17), 17)), "formulaic alpha 70", "Kakushadze 2016 #70")
alpha101("alpha101_071", max(ts_rank(decay_linear(ts_corr(ts_rank(close, 3), ts_rank(ts_mean(amount, 180), 12), 18), 4), 15), ts_rank(decay_linear(power(cs_rank(low + open - (vwap + vwap)), 2), 16), 4)), "formulaic alpha 71", "Kakushadze 2016 #71")
alpha101("alpha101_072", cs_rank(decay_linear(ts_corr((high + low) / 2, ts_mean(amount, 40), 8), 10)) / cs_rank(decay_linear(ts_corr(ts_rank(vwap, 3), ts_rank(volume, 18), 6), 2)), "formulaic alpha 72", "Kakushadze 2016 #72")
alpha101("alpha101_073", -max(cs_rank(decay_linear(delta(vwap, 4), 2)), ts_rank(decay_linear(-delta(open * 0.147155 + low * 0.852845, 2) / (open * 0.147155 + low * 0.852845), 3), 16)), "formulaic alpha 73", "Kakushadze 2016 #73")
alpha101("alpha101_074", -(cs_rank(ts_corr(close, ts_sum(ts_mean(amount, 30), 37), 15)) < cs_rank(ts_corr(cs_rank(high * 0.0261661 + vwap * 0.9738339), cs_rank(volume), 11))), "formulaic alpha 74", "Kakushadze 2016 #74")
alpha101("alpha101_075", cs_rank(ts_corr(vwap, volume, 4)) < cs_rank(ts_corr(cs_rank(low), cs_rank(ts_mean(amount, 50)), 12)), "formulaic alpha 75", "Kakushadze 2016 #75")
alpha101("alpha101_076", -max(cs_rank(decay_linear(delta(vwap, 1), 11)), ts_rank(decay_linear(ts_rank(ts_corr(group_neutralize(low, sector), ts_mean(amount, 81), 8), 19), 17), 19)), "formulaic alpha 76", "Kakushadze 2016 #76")
alpha101("alpha101_077", min(cs_rank(decay_linear((high + low) / 2 + high - (vwap + high), 20)), cs_rank(decay_linear(ts_corr((high + low) / 2, ts_mean(amount, 40), 3), 5))), "formulaic alpha 77", "Kakushadze 2016 #77")
alpha101("alpha101_078", power(cs_rank(ts_corr(ts_sum(low * 0.352233 + vwap * 0.647767, 19), ts_sum(ts_mean(amount, 40), 19), 6)), cs_rank(ts_corr(cs_rank(vwap), cs_rank(volume), 5))), "formulaic alpha 78", "Kakushadze 2016 #78")
alpha101("alpha101_079", cs_rank(delta(group_neutralize(close * 0.60733 + open * 0.39267, sector), 1)) < cs_rank(ts_corr(ts_rank(vwap, 3), ts_rank(ts_mean(amount, 150), 9), 14)), "formulaic alpha 79", "Kakushadze 2016 #79")
alpha101("alpha101_080", -power(cs_rank(sign(delta(group_neutralize(open * 0.868128 + high * 0.131872, industry), 4))), ts_rank(ts_corr(high, ts_mean(amount, 10), 5), 5)), "formulaic alpha 80", "Kakushadze 2016 #80")
alpha101("alpha101_081", -(cs_rank(log(ts_product(cs_rank(power(cs_rank(ts_corr(vwap, ts_sum(ts_mean(amount, 10), 49), 8)), 4)), 14))) < cs_rank(ts_corr(cs_rank(vwap), cs_rank(volume), 5))), "formulaic alpha 81", "Kakushadze 2016 #81")
alpha101("alpha101_082", -min(cs_rank(decay_linear(delta(open, 1), 14)), ts_rank(decay_linear(ts_corr(group_neutralize(volume, sector), open, 17), 6), 13)), "formulaic alpha 82", "Kakushadze 2016 #82")
alpha101("alpha101_083", cs_rank(delay((high - low) / ts_mean(close, 5), 2)) * cs_rank(cs_rank(volume)) / ((high - low) / ts_mean(close, 5) / (vwap - close)), "formulaic alpha 83", "Kakushadze 2016 #83")
alpha101("alpha101_084", signedpower(ts_rank(vwap - ts_max(vwap, 15), 20), delta(close, 4)), "formulaic alpha 84", "Kakushadze 2016 #84")
alpha101("alpha101_085", power(cs_rank(ts_corr(high * 0.876703 + close * 0.123297, ts_mean(amount, 30), 9)), cs_rank(ts_corr(ts_rank((high + low) / 2, 3), ts_rank(volume, 10), 7))), "formulaic alpha 85", "Kakushadze 2016 #85")
alpha101("alpha101_086", -(ts_rank(ts_corr(close, ts_sum(ts_mean(amount, 20), 14), 6), 20) < cs_rank(open + close - (vwap + open))), "formulaic alpha 86", "Kakushadze 2016 #86")
alpha101("alpha101_087", -max(cs_rank(decay_linear(delta(close * 0.369701 + vwap * 0.630299, 1), 2)), ts_rank(decay_linear(abs(ts_corr(group_neutralize(ts_mean(amount, 81), industry), close, 13)), 4), 14)), "formulaic alpha 87", "Kakushadze 2016 #87")
alpha101("alpha101_088", min(cs_rank(decay_linear(cs_rank(open) + cs_rank(low) - (cs_rank(high) + cs_rank(close)), 8)), ts_rank(decay_linear(ts_corr(ts_rank(close, 8), ts_rank(ts_mean(amount, 60), 20), 8), 6), 2)), "formulaic alpha 88", "Kakushadze 2016 #88")
alpha101("alpha101_089", ts_rank(decay_linear(ts_corr(low, ts_mean(amount, 10), 6), 5), 3) - ts_rank(decay_linear(delta(group_neutralize(vwap, industry), 3), 10), 15), "formulaic alpha 89", "Kakushadze 2016 #89")
alpha101("alpha101_090", -power(cs_rank(close - ts_max(close, 4)), ts_rank(ts_corr(group_neutralize(ts_mean(amount, 40), subindustry), low, 5), 3)), "formulaic alpha 90", "Kakushadze 2016 #90")
alpha101("alpha101_091", -(ts_rank(decay_linear(decay_linear(ts_corr(group_neutralize(close, industry), volume, 9), 16), 3), 4) - cs_rank(decay_linear(ts_corr(vwap, ts_mean(amount, 30), 4), 2))), "formulaic alpha 91", "Kakushadze 2016 #91")
alpha101("alpha101_092", min(ts_rank(decay_linear((high + low) / 2 + close < low + open, 14), 18), ts_rank(decay_linear(ts_corr(cs_rank(low), cs_rank(ts_mean(amount, 30)), 7), 6), 6)), "formulaic alpha 92", "Kakushadze 2016 #92")
alpha101("alpha101_093", ts_rank(decay_linear(ts_corr(group_neutralize(vwap, industry), ts_mean(amount, 81), 17), 19), 7) / cs_rank(decay_linear(delta(close * 0.524434 + vwap * 0.475566, 2), 16)), "formulaic alpha 93", "Kakushadze 2016 #93")
alpha101("alpha101_094", -power(cs_rank(vwap - ts_min(vwap, 11)), ts_rank(ts_corr(ts_rank(vwap, 19), ts_rank(ts_mean(amount, 60), 4), 18), 2)), "formulaic alpha 94", "Kakushadze 2016 #94")
alpha101("alpha101_095", cs_rank(open - ts_min(open, 12)) < ts_rank(power(cs_rank(ts_corr(ts_sum((high + low) / 2, 19), ts_sum(ts_mean(amount, 40), 19), 12)), 5), 11), "formulaic alpha 95", "Kakushadze 2016 #95")
alpha101("alpha101_096", -max(ts_rank(decay_linear(ts_corr(cs_rank(vwap), cs_rank(volume), 3), 4), 8), ts_rank(decay_linear(ts_argmax(ts_corr(ts_rank(close, 7), ts_rank(ts_mean(amount, 60), 4), 3), 12), 14), 13)), "formulaic alpha 96", "Kakushadze 2016 #96")
alpha101("alpha101_097", -(cs_rank(decay_linear(delta(group_neutralize(low * 0.721001 + vwap * 0.278999, industry), 3), 20)) - ts_rank(decay_linear(ts_rank(ts_corr(ts_rank(low, 7), ts_rank(ts_mean(amount, 60), 17), 4), 18), 15), 6)), "formulaic alpha 97", "Kakushadze 2016 #97")
alpha101("alpha101_098", cs_rank(decay_linear(ts_corr(vwap, ts_sum(ts_mean(amount, 5), 26), 4), 7)) - cs_rank(decay_linear(ts_rank(ts_argmin(ts_corr(cs_rank(open), cs_rank(ts_mean(amount, 15)), 20), 8), 6), 8)), "formulaic alpha 98", "Kakushadze 2016 #98")
alpha101("alpha101_099", -(cs_rank(ts_corr(ts_sum((high + low) / 2, 19), ts_sum(ts_mean(amount, 60), 19), 8)) < cs_rank(ts_corr(low, volume, 6))), "formulaic alpha 99", "Kakushadze 2016 #99")
alpha101("alpha101_100", -(1.5 * cs_scale(group_neutralize(group_neutralize(cs_rank((close - low - (high - close)) / (high - low) * volume), subindustry), subindustry)) - cs_scale(group_neutralize(ts_corr(close, cs_rank(ts_mean(amount, 20)), 5) - cs_rank(ts_argmin(close, 30)), subindustry))) * volume / ts_mean(volume, 20), "formulaic alpha 100", "Kakushadze 2016 #100")
alpha101("alpha101_101", (close - open) / (high - low + 0.001), "formulaic alpha 101", "Kakushadze 2016 #101")
