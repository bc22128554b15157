"""Everything the checker can say of a learner's work: each finding's code and its sentence.

A sentence says what was seen and what to do next. ``{named}`` places are filled from the finding; text between
backquotes is code. A code may have wordings, ``"layer.missing:first"``.
"""

from __future__ import annotations

from checker.language import N_

MESSAGES: dict[str, str] = {
    # --- the model that was handed in -----------------------------------------------------------------------------
    "model.none": N_("There is no model yet: run the cell that builds it, then hand in the model itself."),
    "model.class": N_("`{name}` is a class, not a model: build one from it, for example `model = {name}(...)`."),
    "model.list": N_("This is a list of layers: wrap it in `keras.Sequential([...])` to make a model of it."),
    "model.layer": N_("`{name}` is a single layer, not a model: put it into `keras.Sequential([...])`."),
    "model.not_keras": N_("`{name}` is not a Keras model: hand in the model that you built with `keras.Sequential` or `keras.Model`."),
    "model.empty": N_("The model has no layers yet: add them in the order in which the data should pass through them."),
    "model.untraceable": N_("The checker could not follow the data through `{name}`: call it once on some data, or write it with `keras.Sequential`."),
    "model.unreadable": N_("The saved model could not be read: save it again with `model.save(\"model.keras\")`."),
    "model.branch": N_("The network splits into branches at `{name}`: this question wants one straight line of layers."),
    "model.several_inputs": N_("The network has {count} inputs: this question wants exactly one."),
    "model.several_outputs": N_("The network has {count} outputs: this question wants exactly one."),
    "model.input_width": N_("The model takes {actual} features, but the data has {expected}: use `keras.Input(shape=({expected},))`."),
    "model.unbuilt": N_("The model has never seen data: train it with `model.fit(...)` first."),
    "model.not_compiled": N_("The model is not compiled: call `model.compile({code})` before you train."),
    "compile.optimizer": N_("The model was compiled with the optimizer `{actual}`: this question asks for `{expected}`."),
    "compile.loss": N_("The model was compiled with the loss `{actual}`: this question asks for `{expected}`."),
    # --- its layers -----------------------------------------------------------------------------------------------
    "layer.missing": N_("After layer {position} `{after}`, add `{layer}`."),
    "layer.missing:first": N_("At the very start, before the first layer, add `{layer}`."),
    "layer.missing:after_new": N_("After the `{after}` that you add, add `{layer}` as well."),
    "layer.extra": N_("Remove layer {position} `{layer}`."),
    "layer.moved": N_("Move layer {position} `{layer}` to right after layer {after_position} `{after}`."),
    "layer.moved:first": N_("Move layer {position} `{layer}` to the very start."),
    "layer.setting": N_("In layer {position} `{layer}`, set `{setting}={expected}` (it is `{actual}`)."),
    "layer.replaced": N_("Replace layer {position} `{layer}` with `{expected}`."),
    "layer.frozen": N_("Layer {position} `{layer}` is frozen: remove `trainable=False`, so that it can learn."),
    # --- whether a history is this model's ------------------------------------------------------------------------
    "history.other_model": N_("This history belongs to another model object: run the cell that trains *this* model again, then check."),
    "history.epochs": N_("The history lists {claimed} epochs but holds {actual} values: train again and hand in `history` unchanged."),
    "history.scale": N_("A loss of {actual:.3g} cannot come from this data, where even always guessing the median gives {median:.3g}: the notebook still holds a run on other data. Restart the kernel and run all cells from the top."),
    "history.rounded": N_("These losses were rounded or typed in: hand in the `history` that `model.fit` returned."),
    "history.stale": N_("On the validation data this model has a loss of {actual:.4g}, but the history ends at {claimed:.4g}: one of them is from an earlier run. Build, compile and train again, then check."),
    "history.other_split": N_("On the course's validation data this model has a loss of {actual:.4g}, yours ended at {claimed:.4g}: grading uses the course's split, so keep the data cell as it is."),
    "history.short": N_("Only {actual} epochs are too few to see what this question is about: train for {expected}."),
    # --- reading curves, numbers, choices -------------------------------------------------------------------------
    "reading.same_run": N_("Both histories are the same run: hand in the one without the new layers first, then the one with them."),
    "reading.unanswered": N_("`{name}` is still empty: fill in what you read off your curves."),
    "reading.effect": N_("Your own two runs do not show what you chose with `{choice}`: compare the two pictures once more."),
    "reading.best_epoch": N_("The lowest validation loss of the run without the new layers is not at epoch {given:g}: look for the lowest point of its curve."),
    "reading.best_loss": N_("{given:g} is not the lowest validation loss of the run with the new layers: `min(history.history[\"val_loss\"])` gives it."),
    "answer.none": N_("Nothing is filled in yet: put your answer in place of `None`."),
    "answer.right": N_("Right. {why}"),
    "answer.explained": "{text}",
    "number.not_a_number": N_("`{name}` should be a number, such as `0.5`."),
    "number.larger": N_("The right number is larger."),
    "number.smaller": N_("The right number is smaller."),
    "choice.unknown": N_("Choose one of {choices}, as a letter in quotation marks."),
    # --- the checker itself ---------------------------------------------------------------------------------------
    "checker.surprise": N_("The checker could not make sense of this ({error}): hand in the model and the history as the cell above made them."),
}
