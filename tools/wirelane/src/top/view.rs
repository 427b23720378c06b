//! What is mapped of an engine, and one look at all of it.

use crate::failure::Outcome;
use crate::hdr::wall;
use crate::liveness::Liveness;
use crate::meters::Meters;
use crate::place::Place;
use crate::session::Session;
use crate::stage_latency::StageLatency;
use shm::gates::{Gates, Scope, Trigger};
use shm::message::BookTop;
use shm::record::order::PositionEvent;
use shm::region::RegionReader;
use shm::seqlock::CellReader;
use shm::units::Nanos;

/// An engine's shared memory.
pub(crate) struct View {
    region: RegionReader,
    place: Option<Place>,
    gates: Option<Gates>,
    session: Session,
    tops: Vec<CellReader<BookTop>>,
    positions: Vec<CellReader<PositionEvent>>,
}

/// One look.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) at: Nanos,
    pub(crate) epoch: u64,
    pub(crate) started: Nanos,
    pub(crate) life: Liveness,
    pub(crate) meters: Meters,
    pub(crate) latency: StageLatency,
    /// Tops that were ever written, with their symbols.
    pub(crate) tops: Vec<(String, BookTop)>,
    /// Positions that were ever written, by strategy/symbol, with the currency of their money.
    pub(crate) positions: Vec<(String, String, PositionEvent)>,
    /// Closed gates and who closed them; `None` when there is no gates file.
    pub(crate) gates: Option<Vec<(String, Vec<Trigger>)>>,
}

impl View {
    /// Maps region and gates, and reads the names of the session.
    pub(crate) fn open(place: &Place) -> Outcome<Self> {
        let region = place.region()?;
        let journal = place.journal()?;
        let epoch = u16::try_from(region.epoch()).unwrap_or(u16::MAX);
        // Names are a comfort: without a journal of this epoch there are numbers.
        let session = Session::read(&journal, epoch).unwrap_or_default();
        let view = Self::over(region, place.gates().ok(), session);
        Ok(Self { place: Some(place.clone()), ..view })
    }

    /// Takes what is mapped.
    pub(crate) fn over(region: RegionReader, gates: Option<Gates>, session: Session) -> Self {
        let labels: Vec<String> = region.cell_runs().map(|run| run.label.to_string()).collect();
        let tops = labels.iter().filter_map(|label| region.cells::<BookTop>(label).ok());
        let positions = labels.iter().filter_map(|label| region.cells::<PositionEvent>(label).ok());
        let (tops, positions) = (tops.flatten().collect(), positions.flatten().collect());
        Self { region, place: None, gates, session, tops, positions }
    }

    /// The engine's run.
    pub(crate) fn epoch(&self) -> u64 {
        self.region.epoch()
    }

    /// Whether the engine is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.life().is_over()
    }

    fn life(&self) -> Liveness {
        // A region in memory has no journal beside it, and lives as long as who looks.
        self.place.as_ref().map_or(Liveness::Running, |place| Liveness::of(&self.region, place))
    }

    /// Looks at everything once.
    pub(crate) fn take(&mut self) -> Look {
        let session = &self.session;
        let tops = self.tops.iter().filter_map(CellReader::read);
        let positions = self.positions.iter().filter_map(CellReader::read);
        Look {
            at: wall(),
            epoch: self.region.epoch(),
            started: self.region.start(),
            life: self.life(),
            meters: Meters::read(&self.region),
            latency: StageLatency::read(&self.region),
            tops: tops.map(|top| (session.symbol(top.instrument), top)).collect(),
            positions: positions
                .map(|row| {
                    let strategy = session.strategy(shm::ids::StrategyId(row.strategy));
                    let name = format!("{strategy}/{}", session.symbol(row.instrument));
                    (name, session.currency(row.account), row)
                })
                .collect(),
            gates: self.gates.as_ref().map(|gates| {
                let closed = gates
                    .closed()
                    .map(|scope| (scope_name(scope, session), gates.closed_by(scope).collect()));
                closed.collect()
            }),
        }
    }
}

fn scope_name(scope: Scope, session: &Session) -> String {
    match scope {
        Scope::Global => "global".to_owned(),
        Scope::Venue(id) => format!("venue of gateway {}", id.0),
        Scope::Session(id) => format!("gateway {}", id.0),
        Scope::Account(id) => format!("account {}", id.0),
        Scope::Strategy(id) => format!("strategy {}", session.strategy(id)),
        Scope::Instrument(id) => format!("instrument {}", session.symbol(id)),
    }
}
