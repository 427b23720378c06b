//! Runs this program again without the kernel's vDSO, so that reading the clock is a system call.
//!
//! The vDSO answers `clock_gettime` in user space, where no filter sees it. Its address comes to a
//! program in the auxiliary vector above its arguments; the program is stopped at its first
//! instruction, that entry is made one to ignore, and it goes on.
//!
//! Source: Linux `vdso(7)`, `getauxval(3)`, `ptrace(2)`, `proc_pid_stat(5)` (field 28).
#![expect(unsafe_code, reason = "ptrace, which only libc has")]

use std::env;
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, WaitOptions, waitpid};

/// Set for the program that runs without.
pub(crate) const MARK: &str = "WIRELANE_HOT_BARE";

const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_SYSINFO_EHDR: u64 = 33;

/// Runs this program with the same arguments and says how it ended.
pub(crate) fn run_again() -> Result<ExitCode, Box<dyn Error>> {
    let mut command = Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1)).env(MARK, "1");
    // SAFETY: between fork and exec only `ptrace` is called, which allocates and locks nothing.
    unsafe { command.pre_exec(ask_to_be_traced) };
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let stopped = waitpid(Some(pid), WaitOptions::empty())?;
    let stopped = stopped.is_some_and(|(_, status)| status.stopped());
    let hidden = if stopped { hide_vdso(pid) } else { Err("it did not stop at exec".into()) };
    if let Err(error) = hidden.and_then(|()| Ok(detach(pid)?)) {
        child.kill()?;
        return Err(error);
    }
    let ended = child.wait()?;
    Ok(if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn ask_to_be_traced() -> io::Result<()> {
    // SAFETY: TRACEME takes no pointers.
    let failed = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    if failed < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn detach(pid: Pid) -> io::Result<()> {
    // SAFETY: DETACH without a signal takes no pointers.
    let failed = unsafe { libc::ptrace(libc::PTRACE_DETACH, pid.as_raw_nonzero().get(), 0, 0) };
    if failed < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// At the first stop the stack holds: count of arguments, their pointers, 0, pointers to the
/// environment, 0, then pairs of type and value.
fn hide_vdso(pid: Pid) -> Result<(), Box<dyn Error>> {
    let folder = format!("/proc/{}", pid.as_raw_nonzero());
    let stat = fs::read_to_string(format!("{folder}/stat"))?;
    let behind_name = stat.rsplit_once(") ").ok_or("stat without a name")?.1;
    let stack = behind_name.split(' ').nth(28 - 3).ok_or("stat without startstack")?;
    let mut at: u64 = stack.parse()?;
    let memory = OpenOptions::new().read(true).write(true).open(format!("{folder}/mem"))?;
    let word = |at: u64| -> io::Result<u64> {
        let mut bytes = [0; 8];
        memory.read_exact_at(&mut bytes, at)?;
        Ok(u64::from_ne_bytes(bytes))
    };
    at += 8 * (word(at)? + 2);
    while word(at)? != 0 {
        at += 8;
    }
    at += 8;
    loop {
        match word(at)? {
            AT_NULL => return Err("no vDSO to hide".into()),
            AT_SYSINFO_EHDR => break,
            _ => at += 16,
        }
    }
    memory.write_all_at(&AT_IGNORE.to_ne_bytes(), at)?;
    Ok(())
}
