//! Two pinned threads: this one, and a helper that spins until it is given something to run.

use quanta::Clock;
use std::sync::mpsc;
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// This thread on one core, a helper on the other.
pub struct Pair {
    /// The cores: this thread's, the helper's.
    pub cores: (usize, usize),
    /// The clock of both; its raw ticks are those of the TSC.
    pub clock: Clock,
    jobs: mpsc::Sender<Job>,
}

impl Pair {
    /// Pins this thread and starts the helper.
    ///
    /// # Errors
    /// A sentence: fewer than two cores, or one that this process may not use.
    pub fn start(cores: Option<(usize, usize)>) -> Result<Self, String> {
        let cores = match cores {
            Some(cores) => cores,
            None => {
                let mut known = core_affinity::get_core_ids().unwrap_or_default().into_iter();
                let (Some(first), Some(second)) = (known.next(), known.next()) else {
                    return Err("a hop needs two cores, and this process may use one".to_owned());
                };
                (first.id, second.id)
            }
        };
        let (jobs, todo) = mpsc::channel::<Job>();
        let (say, heard) = mpsc::channel();
        thread::spawn(move || {
            let pinned = core_affinity::set_for_current(core_affinity::CoreId { id: cores.1 });
            if say.send(pinned).is_err() || !pinned {
                return;
            }
            loop {
                match todo.try_recv() {
                    Ok(job) => job(),
                    Err(mpsc::TryRecvError::Empty) => std::hint::spin_loop(),
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
        });
        let helper = heard.recv().unwrap_or(false);
        if !helper || !core_affinity::set_for_current(core_affinity::CoreId { id: cores.0 }) {
            return Err(format!("this process may not use cores {} and {}", cores.0, cores.1));
        }
        Ok(Self { cores, clock: Clock::new(), jobs })
    }

    /// Runs `job` on the helper and returns at once.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("the helper lives as long as its pair");
    }

    /// Raw ticks as nanoseconds.
    pub fn ns(&self, ticks: u64) -> f64 {
        self.clock.delta_as_nanos(0, ticks) as f64
    }
}
