"""Numbers lose the bits that the machine drops, and no others."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.reading.rounding import ROUNDED, policy_of, tensor_float, tensor_float_cut


def test_tensor_float_keeps_ten_bits() -> None:
    values = np.array([1.0, 1 + 2**-10, 1 + 2**-11, 1 + 2**-12, -3.3, 0.0, np.inf, -np.inf, np.nan], np.float32)
    rounded, cut = tensor_float(values), tensor_float_cut(values)
    assert rounded[:4].tolist() == [1.0, 1 + 2**-10, 1 + 2**-10, 1.0]
    assert cut[:4].tolist() == [1.0, 1 + 2**-10, 1.0, 1.0]
    assert abs(rounded[4] / values[4] - 1) <= 2**-11
    np.testing.assert_array_equal(rounded[5:], values[5:])
    np.testing.assert_array_equal(cut[5:], values[5:])


@given(st.lists(st.floats(width=32), min_size=1))
def test_sixteen_bits_round_as_the_types_do(numbers: list[float]) -> None:
    values = np.array(numbers, "float32")
    for policy, kind in (("mixed_bfloat16", ml_dtypes.bfloat16), ("mixed_float16", np.float16)):
        rounded = ROUNDED[policy]
        assert rounded is not None
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(rounded(values), values.astype(kind).astype("float32"))


@pytest.mark.parametrize("dtype", ["mixed_float16", {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}])
def test_the_policy_is_read_as_keras_writes_it(dtype: object) -> None:
    assert policy_of({"dtype": dtype}) == "mixed_float16"
    assert policy_of({}) == "float32"
