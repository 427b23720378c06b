//! Naming a process so that a later one with the same id is told apart.
#![expect(clippy::disallowed_macros, reason = "cold: before start, and in tools")]

use super::fnv1a;

/// A process, for good: its id, when it started, and in which boot of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessName {
    /// Process id; 0 for none (a region in ordinary memory).
    pub pid: u32,
    /// Clock ticks from boot to the start of the process; 0 when not known.
    pub start_ticks: u64,
    /// Hash of the boot id; 0 when not known.
    pub boot: u64,
}

impl ProcessName {
    /// No process: what it names lies in ordinary memory.
    pub const NONE: Self = Self { pid: 0, start_ticks: 0, boot: 0 };

    /// This process.
    #[must_use]
    pub fn own() -> Self {
        let pid = std::process::id();
        Self { pid, start_ticks: start_ticks(pid).unwrap_or(0), boot: boot().unwrap_or(0) }
    }

    /// Whether the process lives: its id is taken, by a process of the same start and boot that is
    /// not a corpse waiting for its parent. [`ProcessName::NONE`] lives as long as whoever asks.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        *self == Self::NONE
            || boot().unwrap_or(0) == self.boot && start_ticks(self.pid) == Some(self.start_ticks)
    }
}

/// When a living process started; `None` when there is none, or only its corpse.
///
/// Source: proc_pid_stat(5): field 3 is the state, 22 the start time; field 2 is in parentheses and
/// may itself hold any character.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot() -> Option<u64> {
    Some(fnv1a(std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the living, the dead, the unburied and a later process of the same id are told apart.
    /// Method: ourselves; a child before and after its end, before and after we wait for it.
    #[test]
    #[cfg_attr(miri, ignore = "reads /proc")]
    fn the_living_and_the_dead_are_told_apart() {
        let own = ProcessName::own();
        assert!(own.is_alive() && own.start_ticks > 0 && own.boot != 0);
        assert!(!ProcessName { start_ticks: own.start_ticks - 1, ..own }.is_alive());
        assert!(!ProcessName { boot: own.boot ^ 1, ..own }.is_alive());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let name = ProcessName { pid, start_ticks: start_ticks(pid).unwrap(), boot: own.boot };
        assert!(name.is_alive());
        child.kill().unwrap();
        while name.is_alive() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!name.is_alive());
        assert!(ProcessName::NONE.is_alive());
    }
}
