"""The calibration table."""

from __future__ import annotations

import pandas as pd

from lib.studies.calibration.findings import Calibration


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per quantity: real prices; for each setting target, band, mean, spread over seeds, reached or not."""
    return pd.DataFrame(list(Calibration.of(frame).rows())).set_index("quantity")
