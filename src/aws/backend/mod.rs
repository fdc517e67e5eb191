//! Elastic Beanstalk: versions, updates, waiting and explaining.
//!
//! ```text
//! look       reads only: what is there, what would change        -> BackendPlan
//!   compare    would an update of an environment change anything?
//! deploy     bundle -> version -> every environment at once      -> BackendOutcome
//!   version    upload, create, wait until it is processed
//!   update     one environment: until Ready, update, wait
//!     wait       the verdict on what polls see (pure)
//!     events     each event once, in order (pure but for the request)
//!   explain    why it failed: events, causes, the instance's log (logs)
//!   verify     does the application answer as asked?
//!   restore    back to what ran before
//! retention  which old versions may go                           -> prune
//! ```
//!
//! Every request goes through `api`, which waits when Beanstalk throttles (`codes` tells), at a `pace`.

pub(crate) mod api;
pub(crate) mod compare;
pub(crate) mod deploy;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod retention;
pub(crate) mod retry;
pub(crate) mod undo;
pub(crate) mod update;
pub(crate) mod verify;
pub(crate) mod version;
