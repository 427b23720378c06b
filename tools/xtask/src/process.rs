//! Child processes: run to the end, capture, or stream line by line under a time limit.

use std::io::{self, BufRead, BufReader, PipeReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How a streamed child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited by itself.
    Exit(ExitStatus),
    /// It ran past its limit and its process group was killed.
    TimedOut,
}

impl Ended {
    /// Whether the child exited with status 0.
    pub fn success(self) -> bool {
        matches!(self, Self::Exit(status) if status.success())
    }
}

/// Whether a program can be started with these arguments and exits with 0.
pub fn works(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The standard output of a command that exits with 0.
///
/// # Errors
/// The command cannot be started, or exits with another status; its standard error is the text.
pub fn output(command: &mut Command) -> io::Result<String> {
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        Err(io::Error::other(format!("{command:?} ended with {}: {text}", done.status)))
    }
}

/// Runs a command with both outputs merged in their order, and gives each line to `on_line`.
///
/// The child gets no standard input and a process group of its own, which is killed when `limit`
/// has passed.
///
/// # Errors
/// The command cannot be started or waited for.
pub fn stream(
    mut command: Command,
    limit: Duration,
    on_line: &mut dyn FnMut(&str),
) -> io::Result<Ended> {
    let (reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
    let mut child = command.spawn()?;
    // The command still holds the writing ends; without this the reader would never see the end.
    drop(command);
    let lines = lines_of(reader);
    let deadline = Instant::now() + limit;
    loop {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Disconnected) => return child.wait().map(Ended::Exit),
            Err(RecvTimeoutError::Timeout) => {
                // A grandchild may keep the pipe open for ever: the child's own end is enough.
                if let Some(status) = child.try_wait()? {
                    drain(&lines, on_line);
                    return Ok(Ended::Exit(status));
                }
            }
        }
        if Instant::now() >= deadline {
            kill_group(&child);
            child.wait()?;
            drain(&lines, on_line);
            return Ok(Ended::TimedOut);
        }
    }
}

fn lines_of(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&bytes);
            if sender.send(text.trim_end_matches(['\n', '\r']).to_owned()).is_err() {
                break;
            }
            bytes.clear();
        }
    });
    receiver
}

fn drain(lines: &Receiver<String>, on_line: &mut dyn FnMut(&str)) {
    while let Ok(line) = lines.recv_timeout(Duration::from_millis(200)) {
        on_line(&line);
    }
}

fn kill_group(child: &Child) {
    // The shell's own `kill` is everywhere; a program of that name is not.
    let line = format!("kill -KILL -{}", child.id());
    if let Err(error) = Command::new("sh").args(["-c", &line]).status() {
        eprintln!("cannot kill process group {}: {error}", child.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: nothing a child prints is lost or reordered. Method: a shell that writes to both
    // outputs in turn.
    #[test]
    fn stream_merges_both_outputs_in_order() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; echo three"]);
        let mut lines = Vec::new();
        let ended =
            stream(command, Duration::from_secs(60), &mut |line| lines.push(line.to_owned()))
                .unwrap();
        assert!(ended.success());
        assert_eq!(lines, ["one", "two", "three"]);
    }

    // Goal: a hung test cannot hang the gate. Method: a child, and its own child, that outlive the
    // limit.
    #[test]
    fn stream_kills_the_group_past_the_limit() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo started; wait"]);
        let begin = Instant::now();
        let ended = stream(command, Duration::from_millis(300), &mut |_| ()).unwrap();
        assert_eq!(ended, Ended::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
}
