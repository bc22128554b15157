"""What changed between two runs."""

from __future__ import annotations

import math

import pytest
from histories import HEALTHY, OVERFIT, falling, noisy

from checker.curves import NotCurves, compare
from checker.report import Finding


class TestCompare:
    def test_dropout_helps(self) -> None:
        found = compare(OVERFIT, HEALTHY)
        assert {"less_overfitting", "better_minimum"} <= found.names
        assert found.numbers["gap_growth_before"] > found.numbers["gap_growth_after"]
        assert {"more_overfitting", "worse_minimum"} <= compare(HEALTHY, OVERFIT).names

    def test_the_same_run_is_no_difference(self) -> None:
        assert compare(HEALTHY, HEALTHY).names == {"no_difference"}

    def test_faster(self) -> None:
        slow, fast = (
            {name: noisy(falling(pace=pace, epochs=100), 0.001, seed) for seed, name in enumerate(("loss", "val_loss"))}
            for pace in (0.06, 0.6)
        )
        assert compare(slow, fast).names == {"faster"}
        assert compare(fast, slow).names == {"slower"}

    def test_more_stable(self) -> None:
        rough = {"loss": noisy(falling(epochs=100), 0.02, 1), "val_loss": noisy(falling(epochs=100), 0.02, 2)}
        calm = {"loss": noisy(falling(epochs=100), 0.001, 1), "val_loss": noisy(falling(epochs=100), 0.001, 2)}
        assert "more_stable" in compare(rough, calm)
        assert "less_stable" in compare(calm, rough)

    def test_rescued(self) -> None:
        broken = {"loss": [math.nan] * 50, "val_loss": [math.nan] * 50}
        assert compare(broken, HEALTHY).names == {"rescued"}
        assert compare(HEALTHY, broken).names == {"broken"}
        assert compare(broken, broken).names == {"no_difference"}

    def test_without_validation(self) -> None:
        assert "less_overfitting" not in compare({"loss": OVERFIT["loss"]}, {"loss": HEALTHY["loss"]})

    @pytest.mark.parametrize("before", [HEALTHY, OVERFIT, {"loss": [math.nan]}, {"loss": [1.0]}, {"loss": [0.0, 0.0]}])
    @pytest.mark.parametrize("after", [HEALTHY, OVERFIT, {"loss": [math.inf]}, {"loss": [1.0]}, {"loss": [-1.0, 2.0]}])
    def test_never_raises_and_has_its_sentences(
        self, before: dict[str, list[float]], after: dict[str, list[float]]
    ) -> None:
        found = compare(before, after)
        assert found.names
        for name in found.names:
            assert "{" not in Finding(f"compare.{name}", params=found.numbers).message

    def test_what_is_no_history_says_so(self) -> None:
        with pytest.raises(NotCurves):
            compare(None, HEALTHY)
