//! The directories that one is in, to recognize a link that leads back up.

use std::sync::Arc;

/// A directory on the way down.
pub(crate) struct Ancestor {
    id: (u64, u64),
    parent: Option<Arc<Self>>,
}

impl Ancestor {
    /// The directory `id` in `parent`.
    pub(crate) const fn new(id: (u64, u64), parent: Option<Arc<Self>>) -> Self {
        Self { id, parent }
    }

    /// Whether it is the directory `id`, or in it.
    pub(crate) fn contains(&self, id: (u64, u64)) -> bool {
        let mut here = Some(self);
        while let Some(ancestor) = here {
            if ancestor.id == id {
                return true;
            }
            here = ancestor.parent.as_deref();
        }
        false
    }
}
