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
}
