//! Whether the end of a run is on record.

/// Where the end of a run is on record, of the places where it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// In each.
    #[default]
    Everywhere,
    /// In each, as succeeded; only after that was the run asked to stop.
    BeforeStop,
    /// In some.
    InPart,
    /// In none.
    Nowhere,
}

impl Recorded {
    /// When it could not be written in `failed` of `places`.
    #[must_use]
    pub(crate) const fn of(places: usize, failed: usize) -> Self {
        match failed {
            0 if places > 0 => Self::Everywhere,
            failed if failed < places => Self::InPart,
            _ => Self::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_a_place_to_record_it_is_not_on_record() {
        for (places, failed, expected) in [
            (1, 0, Recorded::Everywhere),
            (2, 1, Recorded::InPart),
            (2, 2, Recorded::Nowhere),
            (0, 0, Recorded::Nowhere),
        ] {
            assert_eq!(Recorded::of(places, failed), expected, "{failed} of {places}");
        }
    }
}
