//! What of a deploy's inputs holds for a rollback of the backend.

use crate::core::inputs::{BackendInputs, OnFailure};

/// The inputs of a deploy as a rollback uses them. `verify-contains` is what the new release answers, so only the address
/// is asked; option settings stay as they are, for release records hold none (they may be secret); and a rollback that
/// fails is never undone: that would lead back to what people fled from.
#[must_use]
pub(crate) fn rollback_inputs(inputs: &BackendInputs) -> BackendInputs {
    let mut inputs = inputs.clone();
    inputs.option_settings.clear();
    inputs.on_failure = OnFailure::Keep;
    if let Some(verify) = &mut inputs.verify {
        verify.contains = None;
    }
    inputs
}

/// What [`rollback_inputs`] leaves out, for the plan: a line each.
#[must_use]
pub(crate) fn left_out(inputs: &BackendInputs) -> Vec<&'static str> {
    let text = inputs.verify.as_ref().is_some_and(|verify| verify.contains.is_some());
    [
        (
            !inputs.option_settings.is_empty(),
            "option settings stay as they are: release records hold none, for they may be secret",
        ),
        (
            text,
            "`verify-url` is asked, `verify-contains` is not looked for: it is what the newer release answers",
        ),
        (
            inputs.on_failure == OnFailure::Rollback,
            "`on-failure: rollback` does not undo a rollback",
        ),
    ]
    .into_iter()
    .filter_map(|(is_given, line)| is_given.then_some(line))
    .collect()
}
