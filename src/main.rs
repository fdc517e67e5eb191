//! The binary: environment in, exit code out; everything between is the library's.

use std::io::Write as _;
use std::process::ExitCode;

use aws_web_deploy::{CancellationToken, Console, Env, cancel_on_signals};

// musl's own allocator takes one lock for all threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--version")
    {
        let _ = writeln!(std::io::stdout(), "{}", aws_web_deploy::version());
        return ExitCode::SUCCESS;
    }
    // A variable that is not UTF-8 is none of ours.
    let env = Env::new(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    let directory = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let console = Console::new(std::io::stdout(), env.get("RUNNER_DEBUG") == Some("1"));
    let stop = CancellationToken::new();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.error(
                "Cannot start",
                &format!("cannot start the threads that this run needs: {error}"),
            );
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        tokio::spawn(cancel_on_signals(stop.clone(), console.clone()));
        aws_web_deploy::run(&env, directory, std::env::temp_dir(), &console, &stop).await
    });
    // Threads that still read or hash for a run that is over must not hold the process up.
    runtime.shutdown_background();
    ExitCode::from(code)
}
