//! Families of records: one subject each.

use shm::record::RecordKind;

/// What a subject tells of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    /// The session: configuration, instruments, limits, commands, alarms, beginning and end.
    Session = 1,
    /// Orders: decisions, reports, positions, parents.
    Orders = 2,
    /// Bytes as they came and went.
    Wire = 3,
    /// The order in which stages took their inputs.
    Inputs = 4,
    /// No records: how far the journal was read.
    Place = 5,
}

impl Family {
    /// Those that hold records.
    pub const ALL: [Self; 4] = [Self::Session, Self::Orders, Self::Wire, Self::Inputs];

    /// Its name in a subject and in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Orders => "orders",
            Self::Wire => "wire",
            Self::Inputs => "inputs",
            Self::Place => "place",
        }
    }

    pub(super) fn from_u8(raw: u8) -> Option<Self> {
        [Self::Session, Self::Orders, Self::Wire, Self::Inputs, Self::Place]
            .into_iter()
            .find(|family| *family as u8 == raw)
    }

    /// The family of a kind of record.
    #[must_use]
    pub const fn of(kind: RecordKind) -> Self {
        use RecordKind as Kind;
        match kind {
            Kind::SessionOpen
            | Kind::Instruments
            | Kind::Topology
            | Kind::Anchor
            | Kind::Operator
            | Kind::OpenComplete
            | Kind::SessionClose
            | Kind::LimitSet
            | Kind::Alarm
            | Kind::StrategyDown
            | Kind::CarryStrategy
            | Kind::HandOrder => Self::Session,
            Kind::Approved
            | Kind::Denied
            | Kind::CancelAsked
            | Kind::OrderEvent
            | Kind::PositionEvent
            | Kind::CarryOrder
            | Kind::CarryPosition
            | Kind::OrderTerms
            | Kind::ParentApproved
            | Kind::ParentDone
            | Kind::ParentState
            | Kind::CarryParent
            | Kind::CarryParentState
            | Kind::CarryScope
            | Kind::ScopePeak
            | Kind::CarryRecent => Self::Orders,
            Kind::RxFeed
            | Kind::RxVenue
            | Kind::Tx
            | Kind::Sent
            | Kind::TxVoid
            | Kind::CaptureGap
            | Kind::CarryTx
            | Kind::VenueSession => Self::Wire,
            Kind::Took | Kind::Saw | Kind::Tick | Kind::Busy | Kind::LinkFull | Kind::LinkRoom => {
                Self::Inputs
            }
        }
    }
}

/// Some of the families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families(u8);

impl Families {
    /// What a store is made of.
    pub const STORE: Self = Self(1 << Family::Session as u8 | 1 << Family::Orders as u8);

    /// Reads their names; the first that is none is the error.
    ///
    /// # Errors
    /// The name.
    pub fn parse(names: &[String]) -> Result<Self, String> {
        names.iter().try_fold(Self(0), |all, name| {
            let family = Family::ALL.into_iter().find(|family| family.name() == name);
            family.map(|family| Self(all.0 | 1 << family as u8)).ok_or_else(|| name.clone())
        })
    }

    /// Whether one is among them.
    #[must_use]
    pub const fn has(self, family: Family) -> bool {
        self.0 & 1 << family as u8 != 0
    }
}
