//! Elastic Beanstalk: reads for the plan, versions, updates, and what explains a failure. [`crate::core::backend`] decides.
//!
//! ```text
//! plan       reads only: what is there, what would change        -> BackendPlan
//!   compare    would an update of an environment change anything?
//! deploy     bundle -> version -> every environment at once      -> BackendOutcome
//!   version    upload (bundle), create, wait until it is processed
//!   run        one environment: updated, and the end put into words
//!     update     until Ready, update (refused: where the version is not ready), follow (watch: what polls read)
//!     explain    why it failed: events, causes, the instance's log (logs)
//!   verify     does the application answer as asked?
//!   undo       back to what ran before
//! retention  which old versions may go                           -> prune
//! ```
//!
//! Every request goes through `api`, which waits when Beanstalk throttles; `reads` turns answers into own types (`convert`).

pub(crate) mod api;
pub(crate) mod bundle;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod deploy;
pub(crate) mod explain;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod reads;
pub(crate) mod ready;
pub(crate) mod refused;
pub(crate) mod retention;
pub(crate) mod run;
pub(crate) mod undo;
pub(crate) mod update;
pub(crate) mod verify;
pub(crate) mod version;
pub(crate) mod watch;
