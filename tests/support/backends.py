"""What Keras reports on its other backends, and how far the checker's own replay of the same weights lies from it.

    KERAS_BACKEND=jax python tests/support/backends.py
    KERAS_BACKEND=torch python tests/support/backends.py

Trains small networks of the course's kinds in each dtype policy, for a few epochs. A line a network: the relative
difference between the validation loss in the history and the replay, live and from the evidence, and the report's
outcome. Ends with status 1 where one is not proved. The course needs neither JAX nor PyTorch; install them apart.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.util import find_spec

from place import ROOT

sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16", "bfloat16", "float64")
EPOCHS = 4


def measured(policy: str, name: str) -> tuple[str, float, bool]:
    """One network: the outcome, the relative difference, and whether live and graded say the same."""
    import honest
    import keras

    from checker import datasets
    from checker.questions.answer import NetworkAnswer
    from checker.questions.evidence import Folder, read
    from checker.questions.training import weights_loss

    question = {"spotify": honest.Q1, "concrete": honest.Q3, "red-wine": honest.WINE}[name]
    assert question.training is not None
    split = datasets.split(question.training.data)
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    model = honest.network(question)
    model.compile(question.training.optimizer, "mae")
    validation = split.X_valid, split.y_valid
    history = model.fit(
        split.X_train, split.y_train, validation_data=validation, batch_size=256, epochs=EPOCHS, verbose=0
    )
    answer = NetworkAnswer.from_kernel(question.network.input_shape, model, history)
    actual = weights_loss(question.training, answer)
    live = question.evaluate(model=model, history=history)
    question.grade(model, history)
    graded = question.judge(question.from_evidence(read(Folder(), question.id)))
    same = live.points == graded.points and [f.code for f in live.findings] == [f.code for f in graded.findings]
    return str(live["curves"].outcome), abs(actual / history.history["val_loss"][-1] - 1), same


def main() -> int:
    """Measure every policy on every data set; 0 where all are proved, live and graded alike."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if find_spec(backend) is None:
        print(f"{backend} is not installed: nothing to measure")
        return 0
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for policy in POLICIES:
            for name in ("red-wine", "spotify", "concrete"):
                outcome, difference, same = measured(policy, name)
                print(
                    f"{backend} {policy} {name}: {outcome}, {difference:.1e}", "" if same else "LIVE AND GRADED DIFFER"
                )
                failed += not same or "PROVED" not in outcome.upper()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
