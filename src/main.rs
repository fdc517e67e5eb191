//! The binary: flags and environment in, exit code out; everything between is the library's.

use std::io::{IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use aws_web_deploy::{
    CancellationToken, Console, Env, Invocation, TerminalStyle, cancel_on_broken_output, cancel_on_signals, help,
    version,
};

// musl's own allocator takes one lock for all threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    let flags = match Invocation::read(arguments.map(|argument| argument.to_string_lossy().into_owned())) {
        Invocation::Help => return answer(&help()),
        Invocation::Version => return answer(&format!("{}\n", version())),
        Invocation::Run(flags) => flags,
    };
    // A variable that is not UTF-8 is none of ours.
    let env = Env::new(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    let directory = std::env::current_dir().unwrap_or_else(|_| "/".into());
    let (out, debug) = (std::io::stdout(), env.get("RUNNER_DEBUG") == Some("1"));
    let console = if env.get("GITHUB_ACTIONS").is_some() {
        Console::new(out, debug)
    } else {
        let screen = out.is_terminal() && env.get("TERM") != Some("dumb");
        // https://no-color.org: any value but the empty one.
        let colors = screen && env.get("NO_COLOR").is_none();
        let style = TerminalStyle {
            colors,
            rewrites: screen,
        };
        Console::terminal(out, debug, style)
    };
    let stop = CancellationToken::new();
    console.cancel_when_broken(&stop);
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
        if let Ok(output) = std::io::stdout().as_fd().try_clone_to_owned() {
            tokio::spawn(cancel_on_broken_output(stop.clone(), output));
        }
        aws_web_deploy::run(&flags, &env, directory, std::env::temp_dir(), &console, &stop).await
    });
    // Threads that still read or hash for a run that is over must not hold the process up.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Prints `text`, which is all that was asked for. Nobody may be there to read it.
fn answer(text: &str) -> ExitCode {
    let _ = write!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}
