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

mod api;
mod codes;
mod compare;
mod deploy;
mod events;
mod explain;
mod logs;
mod look;
mod pace;
mod plan;
mod restore;
mod retention;
mod update;
mod verify;
mod version;
mod wait;
mod words;

pub use deploy::{BackendOutcome, deploy};
pub use look::{look, running};
pub use plan::{BackendPlan, EnvironmentPlan, Step, VersionStep};
pub use retention::prune;
