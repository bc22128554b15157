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
    "model.function": N_("`{name}` is a function that builds a model: call it, and hand in what it returns."),
    "model.history": N_("This is a training history, not a model: hand in the model first, then the history."),
    "model.legacy": N_(
        "`{name}` comes from an old Keras (`tf_keras`): build the model with `import keras` or `from tensorflow import keras`."
    ),
    "model.layer": N_("`{name}` is a single layer, not a model: put it into `keras.Sequential([...])`."),
    "model.not_keras": N_(
        "`{name}` is not a Keras model: hand in the model that you built with `keras.Sequential` or `keras.Model`."
    ),
    "model.empty": N_("The model has no layers yet: add them in the order in which the data should pass through them."),
    "model.untraceable": N_(
        "The checker could not follow the data through `{name}`: call it once on some data, or write it with `keras.Sequential`."
    ),
    "model.untracked": N_(
        "`{name}` does not own its `{kind}` layer, so that training never reaches it: make each layer in `__init__` and keep it as an attribute, `self.hidden = ...`."
    ),
    "model.unreadable": N_('The saved model could not be read: save it again with `model.save("model.keras")`.'),
    "model.weights": N_(
        'The saved weights of `{name}` do not fit its settings: save the model again with `model.save("model.keras")`.'
    ),
    "model.branch": N_(
        "The network branches at layer {position} `{layer}`: this question wants one straight line of layers."
    ),
    "model.several_inputs": N_("The network has {count} inputs: this question wants exactly one."),
    "model.several_outputs": N_("The network has {count} outputs: this question wants exactly one."),
    "model.input_width": N_(
        "The model takes {actual} features, but the data has {expected}: use `keras.Input(shape=({expected},))`."
    ),
    "model.input_shape": N_(
        "The model takes samples of the shape `{actual}`, but a sample of the data is a row of {expected} features: use `keras.Input(shape=({expected},))`."
    ),
    "model.unbuilt": N_("The model has never seen data: train it with `model.fit(...)` first."),
    "model.not_compiled": N_("The model is not compiled: call `model.compile({code})` before you train."),
    "compile.optimizer": N_(
        "The model was compiled with the optimizer `{actual}`: this question asks for `{expected}`."
    ),
    "compile.loss": N_("The model was compiled with the loss `{actual}`: this question asks for `{expected}`."),
    # --- its layers -----------------------------------------------------------------------------------------------
    "layer.missing": N_("After layer {position} `{after}`, add `{layer}`."),
    "layer.missing:first": N_("At the very start, before the first layer, add `{layer}`."),
    "layer.missing:unassigned": N_(
        "After layer {position} `{after}`, `{layer}` is called but its result is not kept, so that it never enters the network: write `x = {layer}(x)` and go on with `x`."
    ),
    "layer.missing:unassigned_first": N_(
        "At the very start, `{layer}` is called but its result is not kept, so that it never enters the network: write `x = {layer}(inputs)` and go on with `x`."
    ),
    "layer.missing:after_new": N_("After the `{after}` that you add, add `{layer}` as well."),
    "layer.missing:any": N_(
        "After layer {position} `{after}`, add one more layer; of which kind is up to you, for instance `{layer}`."
    ),
    "layer.missing:any_first": N_(
        "At the very start, before the first layer, add one more layer; of which kind is up to you, for instance `{layer}`."
    ),
    "layer.missing:any_after_new": N_(
        "After the `{after}` that you add, add one more layer; of which kind is up to you, for instance `{layer}`."
    ),
    "layer.extra:pair": N_(
        "Remove layer {position} `{layer}` and layer {activation_position} `{activation}` after it."
    ),
    "layer.extra": N_("Remove layer {position} `{layer}`."),
    "layer.moved": N_("Move layer {position} `{layer}` to right after layer {after_position} `{after}`."),
    "layer.moved:first": N_("Move layer {position} `{layer}` to the very start."),
    "layer.moved:after_new": N_("Move layer {position} `{layer}` to right after the `{after}` that you add."),
    "layer.setting": N_("In layer {position} `{layer}`, set `{setting}={expected}` (it is `{actual}`)."),
    "layer.setting:off": N_("In layer {position} `{layer}`, leave out `activation={actual}`: it should be linear."),
    "layer.setting:apart": N_(
        "Remove layer {activation_position} `{activation}`: layer {position} `{layer}` should stay linear."
    ),
    "layer.replaced:pair": N_(
        "Replace layer {position} `{layer}` and layer {activation_position} `{activation}` after it with `{expected}`."
    ),
    "layer.replaced": N_("Replace layer {position} `{layer}` with `{expected}`."),
    "layer.replaced:alpha": N_(
        "Replace layer {position} `{layer}` with `{expected}`: alpha dropout is made for networks with `selu`, and sets units to another value than zero."
    ),
    "layer.replaced:gaussian": N_(
        "Replace layer {position} `{layer}` with `{expected}`: Gaussian dropout multiplies all units by noise, and shuts none off."
    ),
    "layer.replaced:spatial": N_(
        "Replace layer {position} `{layer}` with `{expected}`: spatial dropout shuts off whole channels of a sequence or an image, and this data has none."
    ),
    "layer.replaced:noise": N_(
        "Replace layer {position} `{layer}` with `{expected}`: Gaussian noise adds a random number to each unit, and shuts none off."
    ),
    "layer.replaced:rows": N_(
        "Replace layer {position} `{layer}` with `{expected}`: this layer scales each row over its own units; batch normalization scales each unit over the rows of a batch."
    ),
    "layer.replaced:adapted": N_(
        "Replace layer {position} `{layer}` with `{expected}`: this layer scales with numbers that stand before training begins; batch normalization measures them anew in each batch, and learns a scale and a shift."
    ),
    "layer.replaced:own": N_(
        "Replace layer {position} `{layer}` with `{expected}`: what a class of your own computes cannot be told from outside, so only Keras' layer counts."
    ),
    "layer.frozen": N_(
        "Layer {position} `{layer}` is frozen: take out `trainable=False` or `training=False`, so that it can learn."
    ),
    "layer.training": N_(
        "Layer {position} `{layer}` is called with `training={actual}`: leave that out, so that it is in training "
        "exactly when the network is."
    ),
    "layer.shared": N_(
        "Layer {position} `{layer}` is the same object as layer {actual} and shares its weights: make a new layer here."
    ),
    # --- the network as a whole -----------------------------------------------------------------------------------
    "network.count": N_("The network has {actual} `{kind}` layers: this question asks for {expected}."),
    "network.settings": N_("Not every `{kind}` layer is as this question asks: set `{setting}={expected}`."),
    "network.count:relative": N_(
        "The network has {actual} `{kind}` layers: this question asks for {expected}. Layer {position} `{layer}` is a relative that does something else."
    ),
    "network.count:unassigned": N_(
        "The network has {actual} `{kind}` layers: this question asks for {expected}. `{layer}` is called after layer {position}, but its result is not kept: write `x = {layer}(x)` and go on with `x`."
    ),
    "network.beside": N_("The layers do not stand where this question wants them: read its rules once more."),
    "network.rule": N_("The rule: {text}"),
    "network.never": N_("The layers do not stand where this question wants them: read its rules once more."),
    "network.parameters": N_(
        "The network has {actual} parameters, this question allows {expected}: use fewer units or layers."
    ),
    "network.parameters:few": N_(
        "The network has {actual} parameters, this question asks for at least {expected}: use more units or layers."
    ),
    # --- whether a history is this model's ------------------------------------------------------------------------
    "history.other_model": N_(
        "This history is another model's, and the weights of yours do not reproduce it: run the cell that trains this model again, then check."
    ),
    "history.epochs": N_(
        "The history lists {claimed} epochs but holds {actual} values: train again and hand in `history` unchanged."
    ),
    "history.scale": N_(
        "A loss of {actual:.3g} cannot come from this data, where even always guessing the median gives {median:.3g}: the notebook still holds a run on other data. Restart the kernel and run all cells from the top."
    ),
    "history.negative": N_(
        "The history has a loss below zero, which a mean of distances never is: hand in what `model.fit(...)` returned, unchanged."
    ),
    "history.rounded": N_("These losses were rounded or typed in: hand in the `history` that `model.fit` returned."),
    "history.stale": N_(
        "On the course's validation data this model has a loss of {actual:.4g}; no epoch of the history shows that loss, and it ends at {claimed:.4g}. Most often the model was built or trained again after this history; averaged weights and other validation data do it, too. Run the cells that build and train once more, then check right away."
    ),
    "history.other_split": N_(
        "On the course's validation data this model has a loss of {actual:.4g}, but no epoch of your training shows it (it ended at {claimed:.4g}). Either it was validated on other data than the notebook's, or its weights were changed afterwards, or the training was interrupted in the middle of an epoch. Train it with `validation_data` as the notebook has it, then check right away."
    ),
    "history.averaged": N_(
        "The optimizer puts a moving average in place of the weights when training ends (`use_ema=True`), so the history shows no loss of these weights ({actual:.4g}). Train without it, or with `callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]`, then check again."
    ),
    "history.short": N_("Only {actual} epochs are too few to see what this question is about: train for {expected}."),
    "history.short:continued": N_(
        "This history holds only the last {actual} epochs: `initial_epoch={first}` began a new one, and the epochs before are in the history of the earlier `model.fit(...)`. Train all {expected} epochs in one call, or pass the first history on with `callbacks=[history]` and hand that one in."
    ),
    # --- reading curves, numbers, choices -------------------------------------------------------------------------
    "reading.same_run": N_(
        "Both histories are the same run: hand in the one without the new layers first, then the one with them."
    ),
    "reading.swapped": N_(
        "Your answers would be right if the two runs were exchanged: `before` is the run without the new layers, `after` the one with them."
    ),
    "reading.unanswered": N_("`{name}` is still empty: fill in what you read off your curves."),
    "reading.effect": N_("Your own two runs do not show this: {text} Compare the two runs once more."),
    "reading.best_epoch": N_(
        "The lowest validation loss of the run without the new layers is not at epoch {given:g}: look for the lowest point of its curve."
    ),
    "reading.best_loss": N_(
        '{given:g} is not the lowest validation loss of the run with the new layers: `min({history}.history["val_loss"])` gives it.'
    ),
    "ablation.unanswered": N_("`{name}` is still empty: fill in what you read off your table."),
    "ablation.needed": N_(
        "Your own table does not show this: {text} A layer is needed if both runs with both layers lie below both runs without it; compare the row `both` with the two rows below it."
    ),
    "ablation.chance": N_(
        "{given:g} is not the largest difference between two seeds: subtract the two numbers of each row, and take the largest difference."
    ),
    "ablation.shown": N_("Right, that is what your table shows."),
    "ablation.dropout": N_(
        "Without dropout both runs are worse than both runs with it, by at least {lead:.3f}: this network needs it."
    ),
    "ablation.dropout:open": N_(
        "Without dropout at least one run is as good as one with it: your table does not show that this network needs it."
    ),
    "ablation.batch_normalization": N_(
        "Without batch normalization both runs are worse than both runs with it, by at least {lead:.3f}: this network needs it."
    ),
    "ablation.batch_normalization:open": N_(
        "Without batch normalization at least one run is as good as one with it: your table does not show that this network needs it."
    ),
    "ablation.by_chance": N_(
        "Another seed alone makes a difference of up to {chance:.3f}: a lead that is no larger proves little."
    ),
    "ablation.same_seed": N_(
        "Both runs of the row `{name}` are the same: give each its own seed, as the cell above does, and run it again."
    ),
    "ablation.same_network": N_(
        "The rows `{first}` and `{second}` are the same to the last digit, so taking the layer out changed nothing: hand in a network in which dropout and batch normalization are at work (q1), and run the cell again."
    ),
    "reason.unanswered": N_("`{name}` is still empty: choose the letter of the reason."),
    "reason.right": N_("Your reason is right. {why}"),
    "reason.wrong": N_("On your reason: {text}"),
    "answer.none": N_("Nothing is filled in yet: put your answer in place of `None`."),
    "answer.right": N_("Right. {why}"),
    "answer.right:reason": N_("Right."),
    "answer.explained": "{text}",
    "number.not_a_number": N_("`{name}` should be a number, such as `0.5`."),
    "number.text": N_("`{name}` is text, not a number: write {value} without quotation marks."),
    "number.several": N_("`{name}` holds {count} values: this question asks for a single number."),
    "number.larger": N_("The right number is larger."),
    "number.smaller": N_("The right number is smaller."),
    "choice.unknown": N_("Choose one of {choices}, as a letter in quotation marks."),
    "choice.unknown:named": N_("`{name}`: choose one of {choices}, as a letter in quotation marks."),
    # --- repairing a broken training --------------------------------------------------------------------------------
    "repair.commit": N_(
        "Name a cause first: put the letter of the cause that you suspect in place of `None`, then repair."
    ),
    "repair.unchanged": N_(
        "The cause is still there: network, optimizer, learning rate, batch size and epochs are the broken training's, and its data is no better. Change the one thing that is the cause, and train again."
    ),
    "repair.untouched": N_("The cause itself is still there: the one thing that is wrong was not changed."),
    "repair.put_back": N_("Something was changed that is not the cause: put it back."),
    "repair.put_back:network": N_("The layers are not what is wrong: take them as the case has them."),
    "repair.put_back:optimizer": N_("The optimizer `{actual}` is not the case's: go back to `{expected}`."),
    "repair.put_back:learning_rate": N_(
        "The learning rate is not what is wrong: go back to `{expected}` (it is `{actual}`)."
    ),
    "repair.put_back:batch_size": N_(
        "The size of the batches is not what is wrong: go back to `batch_size={expected}`."
    ),
    "repair.put_back:epochs": N_(
        "The number of epochs is not what is wrong: go back to `epochs = {expected}` (it is `{actual}`)."
    ),
    "repair.put_back:paired": N_(
        "Each training row had its own target before: leave rows and targets as the case has them."
    ),
    "repair.put_back:apart": N_("Validation rows were none of the training rows before: keep the two apart."),
    "repair.put_back:one_scale": N_(
        "The scale of the features is not what is wrong: leave the data as the case has them."
    ),
    "repair.value": N_("This was changed, but it does not remove the cause yet: go farther."),
    "repair.value:learning_rate": N_(
        "With a learning rate of `{actual}` this network does not train well either: go towards `{expected}`."
    ),
    "repair.value:epochs": N_("`{actual}` epochs do not do it: go towards `{expected}`."),
    "repair.value:one_scale": N_(
        "The features were changed, but they are still on different scales: `StandardScaler`, fitted on the training rows, brings all of them to one."
    ),
    "repair.data": N_(
        "The checker needs the data that you trained on: keep the line that begins with `data_` as the case has it, and run the whole cell."
    ),
    "repair.rows": N_(
        "These are not the course's rows: apart from the repair, leave the data as the case has them, and scale each feature with one factor and one shift for all rows."
    ),
    # --- what a grader says of the evidence -------------------------------------------------------------------------
    "evidence.missing": N_(
        "No evidence was handed in for this question, neither in its graded cell's output nor in a folder `evidence`. Were the outputs cleared? Run the notebook once more, save it with its outputs, and hand it in."
    ),
    "evidence.unsaved": N_(
        "This model could not be saved as evidence, so its training cannot be verified from the files."
    ),
    "evidence.unreadable": N_(
        "The evidence is damaged: run the graded cell once more, save, and hand the notebook in as it is."
    ),
    "evidence.altered": N_(
        "The saved model or its record was changed after the checker wrote them, or they do not belong together: run the graded cell once more, save, and hand the notebook in as it is."
    ),
    "evidence.format": N_(
        "The evidence was written by another version of the checker: update the course and run the graded cell once more."
    ),
    "evidence.other_question": N_("The evidence is of another question: run this question's graded cell once more."),
    "evidence.other_run": N_(
        "These curves are not those of the network handed in above: run the notebook once from top to bottom."
    ),
    "evidence.too_big": N_("The evidence is larger than any answer to this question can be, so it was not read."),
    "evidence.too_deep": N_("The evidence is nested deeper than the checker ever writes, so it was not read."),
    "evidence.link": N_("The evidence points to other files instead of holding its data, so it was not read."),
    "evidence.unsupported": N_(
        "The grader cannot recompute this network's loss from its weights ({reason}); a person or a run of the notebook has to settle it."
    ),
    # --- the checker itself ---------------------------------------------------------------------------------------
    "checker.surprise": N_(
        "The checker could not make sense of this ({error}): hand in the model and the history as the cell above made them."
    ),
    # --- the history that was handed in ---------------------------------------------------------------------------
    "history.ablation": N_(
        "There is no ablation yet: run the cell that fills `runs`, and hand in `runs` unchanged, with the histories of four networks and two seeds each."
    ),
    "history.none": N_(
        "There is no history yet: keep what training returns, `history = model.fit(...)`, and hand that in."
    ),
    "history.not_history": N_("`{name}` is not the history of a training: hand in what `model.fit(...)` returned."),
    "history.text": N_(
        "This text holds no training history: hand in what `model.fit(...)` returned, or its `history.history` as JSON."
    ),
    "history.empty": N_(
        "The history has no epochs: train with `model.fit(...)` and at least one epoch, then hand in its result."
    ),
    "history.no_loss": N_("The history has no `loss`, only {keys}: hand in the whole result of `model.fit(...)`."),
    "history.not_list": N_(
        "`{series}` of this history is not a list of one number an epoch: hand in what `model.fit(...)` returned, unchanged."
    ),
    "history.not_number": N_(
        "`{series}` in epoch {epoch} is not a number but `{value}`: hand in what `model.fit(...)` returned, unchanged."
    ),
    "history.unequal": N_(
        "The history has {loss} epochs of `loss` but {val_loss} of `val_loss`: validate after every epoch, without `validation_freq`."
    ),
    "history.too_long": N_("The history claims {epochs} epochs: no training of this course is that long."),
    "history.unreadable": N_(
        "The history `{name}` could not be read: hand in what `model.fit(...)` returned, unchanged."
    ),
    # --- what the curves show -------------------------------------------------------------------------------------
    "curve.diverged": N_(
        "Training fell apart in epoch {first}: the loss became {value:.3g}. Bring the inputs to one scale or lower the learning rate, then train again."
    ),
    "curve.dead_start": N_(
        "Training never started: in {last} epochs the loss fell by only {fall:.1%}. Try a larger learning rate, inputs on one scale, or a fresh start."
    ),
    "curve.unstable": N_(
        "Training is unstable: again and again the training loss rises by {share:.0%} from one epoch to the next. Lower the learning rate or take larger batches."
    ),
    "curve.unstable:jagged": N_(
        "The validation loss is jagged: again and again it rises by {share:.0%} from one epoch to the next. Lower the learning rate, take larger batches or more validation data before you trust one epoch."
    ),
    "curve.overfitting": N_(
        "Overfitting: from about epoch {first} on the validation loss rose by {rise:.1%} (from {best:.4g} to {end:.4g}), while the training loss fell by {fall:.1%}. More dropout, fewer units or fewer epochs would help."
    ),
    "curve.overfitting:memorising": N_(
        "Overfitting: from about epoch {first} on the training loss fell by {fall:.1%}, but the validation loss changed by only {change:+.1%}, and the gap between them is now {gap:.0%} of the validation loss. More dropout, fewer units or fewer epochs would help."
    ),
    "curve.overfitting:early": N_(
        "Overfitting, and early: from epoch {first} on the training loss fell by {fall:.1%}, while the validation loss is {rise:.1%} above its lowest value. More dropout, fewer units or fewer epochs would help."
    ),
    "curve.underfitting": N_(
        "Underfitting: the best validation loss is {best:.4g}, and always predicting the median gives {reference:.4g}. Give the network more units, less dropout or more epochs."
    ),
    "curve.underfitting:stalled": N_(
        "Underfitting: from epoch {first} on even the training loss stands still, at {end:.4g}. Give the network more units, less dropout or another learning rate."
    ),
    "curve.still_improving": N_(
        "Still improving: over the last epochs, {first} to {last}, the loss fell by {fall:.1%}. Train for more epochs."
    ),
    "curve.healthy": N_("Healthy curves: the loss came down and stayed down, at {level:.4g}."),
    "curve.healthy:few": N_(
        "Nothing wrong shows, and the loss is at {level:.4g}; but {last} epochs are few: train longer to be sure."
    ),
    "curve.healthy:noisy": N_(
        "Nothing wrong shows plainly; but the validation loss jumps so much from epoch to epoch that its level, about {level:.4g}, is hardly known. Do not build on a single epoch."
    ),
    "curve.healthy:apart": N_(
        "Nothing is wrong yet, but watch the gap: since epoch {since:.0f} the training loss has fallen by {fall:.1%} and the validation loss has changed by {change:+.1%}; the two are now {gap:.0%} of the validation loss apart. This is how overfitting begins."
    ),
    "curve.healthy:wide": N_(
        "Nothing is wrong with the shape of these curves, but they are far apart: the gap is {gap:.0%} of the validation loss."
    ),
    "curve.healthy:little": N_(
        "Nothing is wrong with the shape of these curves, but little was learned: the validation loss fell by only {learned:.1%}, to {level:.4g}."
    ),
    "curve.slight": N_("Signs are no proof yet: another training of the same network may look different."),
    "curve.too_short": N_("{epochs} epochs are too few to judge a trend: train for at least {needed}."),
    "curve.no_validation": N_(
        "There is no `val_loss`: pass `validation_data=(X_valid, y_valid)` to `model.fit(...)`, or overfitting cannot be seen."
    ),
    "curve.limit.gap_growth": N_(
        "The gap between validation and training loss grew by {actual:.3g}, more than the {limit:.3g} that this network allows: did you train the network with all its new layers?"
    ),
    "curve.limit.final": N_(
        "The validation loss ended at {actual:.4g}; this network reaches {limit:.4g} or less: train it once more, from its first cell on."
    ),
    "curve.limit.minimum": N_(
        "The lowest validation loss is {actual:.4g}; this network reaches {limit:.4g} or less: train it once more, from its first cell on."
    ),
    "curve.least.minimum": N_(
        "The lowest validation loss is {actual:.4g}; on rows that it has not seen this network comes no lower than {limit:.4g}. Are validation rows among those that it was trained on?"
    ),
    "curve.target": N_("The validation loss of this network is {actual:.4g}: bring it to {target:.4g} or below."),
    # --- what changed between two runs ----------------------------------------------------------------------------
    "compare.less_overfitting": N_(
        "Less overfitting: the gap between validation and training loss grew by {gap_growth_after:.3g} instead of {gap_growth_before:.3g}."
    ),
    "compare.more_overfitting": N_(
        "More overfitting: the gap between validation and training loss grew by {gap_growth_after:.3g} instead of {gap_growth_before:.3g}."
    ),
    "compare.faster": N_(
        "Faster: it comes close to the loss that both runs reach after {epochs_to_level_after:.0f} epochs instead of {epochs_to_level_before:.0f}."
    ),
    "compare.slower": N_(
        "Slower: it comes close to the loss that both runs reach after {epochs_to_level_after:.0f} epochs instead of {epochs_to_level_before:.0f}."
    ),
    "compare.more_stable": N_(
        "More stable: from epoch to epoch the loss wobbles by {noise_after:.2g} instead of {noise_before:.2g}."
    ),
    "compare.less_stable": N_(
        "Less stable: from epoch to epoch the loss wobbles by {noise_after:.2g} instead of {noise_before:.2g}."
    ),
    "compare.better_minimum": N_(
        "A better minimum: the lowest validation loss is {minimum_after:.4g} instead of {minimum_before:.4g}."
    ),
    "compare.worse_minimum": N_(
        "A worse minimum: the lowest validation loss is {minimum_after:.4g} instead of {minimum_before:.4g}."
    ),
    "compare.rescued": N_("Rescued: the first run fell apart, the second one trains."),
    "compare.broken": N_("Broken: the first run trains, the second one fell apart."),
    "compare.no_difference": N_("No real difference: whatever changed is lost in the noise of the two runs."),
}
