//! Threads that are made but do nothing until all of them are: a start that fails at the last of
//! them has run none.

use std::sync::mpsc::{Receiver, Sender, channel};

/// Holds threads back. Dropped before [`Gate::open`], it sends them home.
#[derive(Debug, Default)]
pub(super) struct Gate {
    waiting: Vec<Sender<()>>,
}

/// What one thread waits for.
#[derive(Debug)]
pub(super) struct Ticket(Receiver<()>);

impl Gate {
    /// For one more thread.
    pub(super) fn ticket(&mut self) -> Ticket {
        let (sender, receiver) = channel();
        self.waiting.push(sender);
        Ticket(receiver)
    }

    /// Lets all of them go.
    pub(super) fn open(self) {
        for thread in self.waiting {
            // One that is gone has panicked, which is told where it is joined.
            let _ = thread.send(());
        }
    }
}

impl Ticket {
    /// Waits; whether the thread is to run at all.
    pub(super) fn wait(self) -> bool {
        self.0.recv().is_ok()
    }
}
