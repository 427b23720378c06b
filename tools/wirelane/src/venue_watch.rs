//! Says which venue an engine that has just started cannot reach, and when it does.

use crate::failure::{Failure, Outcome};
use crate::meters::Meters;
use crate::stdout;
use engine::config::Config;
use engine::config::model::Session;
use shm::region::RegionReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// Looks after which a session that is not up is told of: about a second.
const PATIENCE: u32 = 10;

/// A venue that is dialed: gateway, address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialed {
    name: String,
    address: String,
}

/// The venues of a configuration that are dialed.
pub(crate) fn dialed(config: &Config) -> Vec<Dialed> {
    let rows = config.gateways.iter().filter_map(|row| match &row.session {
        Session::Ouch50 { soup, .. } => {
            Some(Dialed { name: row.name.clone(), address: soup.to_string() })
        }
        _ => None,
    });
    rows.collect()
}

/// What a look found, in the order of the venues: whether their sessions are up.
struct Tale {
    venues: Vec<Dialed>,
    looks: u32,
    told: bool,
}

impl Tale {
    /// The lines of a look, and whether it was the last: all sessions are up.
    fn look(&mut self, up: &[bool]) -> (Vec<String>, bool) {
        self.looks += 1;
        let down = || self.venues.iter().zip(up).filter(|(_, up)| !**up).map(|(venue, _)| venue);
        let all_up = down().next().is_none();
        if self.told && all_up {
            return (vec!["every venue session is up".to_owned()], true);
        }
        if self.told || self.looks < PATIENCE {
            return (Vec::new(), all_up);
        }
        self.told = true;
        let say = |venue: &Dialed| {
            format!(
                "no venue session: gateway {} has not logged on to {}: is the venue there, are user and \
                 password right? It is tried again; no order leaves before (SESSION)",
                venue.name, venue.address
            )
        };
        (down().map(say).collect(), all_up)
    }
}

/// A thread that looks at the region until every session is up once, or it is told to end.
pub(crate) struct VenueWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl VenueWatch {
    /// Starts it.
    pub(crate) fn start(region: RegionReader, venues: Vec<Dialed>) -> Outcome<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let body = move || {
            let mut tale = Tale { venues, looks: 0, told: false };
            // ORDERING: Relaxed: a lone flag.
            while !told.load(Ordering::Relaxed) {
                let meters = Meters::read(&region);
                let is_up = |venue: &Dialed| {
                    meters.of_label(&format!("gateway:{}.session_up", venue.name)) > 0
                };
                let up: Vec<bool> = tale.venues.iter().map(is_up).collect();
                let (lines, over) = tale.look(&up);
                for line in lines {
                    // Nobody reads it any more: then there is nobody to tell.
                    let _ = stdout::print(&format!("{line}\n"));
                }
                if over {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        };
        let thread = std::thread::Builder::new().name("venue-watch".to_owned()).spawn(body);
        let thread = thread.map_err(|error| Failure::not_done(format!("a thread: {error}")))?;
        Ok(Self { stop, thread })
    }

    /// Ends it.
    pub(crate) fn end(self) {
        // ORDERING: Relaxed: a lone flag.
        self.stop.store(true, Ordering::Relaxed);
        // It only looks and prints: what became of it changes nothing.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::settings::{CONFIG, CONFIG_NAME};

    fn tale() -> Tale {
        let config = engine::config::Sources::text(CONFIG_NAME, CONFIG).load().unwrap().config;
        let venues = dialed(&config);
        assert_eq!(venues.len(), 1);
        Tale { venues, looks: 0, told: false }
    }

    /// Goal: a venue that is reached at once is not spoken of; one that is not, once, after a
    /// second, with gateway and address, and again when it is. Method: looks by hand.
    #[test]
    fn an_absent_venue_is_told_once() {
        let mut quick = tale();
        assert_eq!(quick.look(&[false]), (Vec::new(), false));
        assert_eq!(quick.look(&[true]), (Vec::new(), true));
        let mut slow = tale();
        for _ in 1..PATIENCE {
            assert_eq!(slow.look(&[false]), (Vec::new(), false));
        }
        let (lines, over) = slow.look(&[false]);
        assert!(lines.len() == 1 && !over, "{lines:?}");
        assert!(lines[0].contains("gateway ouch") && lines[0].contains("127.0.0.1:"), "{lines:?}");
        assert_eq!(slow.look(&[false]), (Vec::new(), false), "told already");
        assert_eq!(slow.look(&[true]), (vec!["every venue session is up".to_owned()], true));
    }
}
