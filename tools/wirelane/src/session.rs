//! What a session says of itself in lane 0: configuration, instruments, times. It gives ids their
//! names.

use crate::failure::{Failure, Outcome};
use engine::config::model::Config;
use engine::config::{Loaded, Sources};
use feed::instruments::Instruments;
use shm::ids::{InstrumentId, StrategyId};
use shm::journal::Journal;
use shm::record::status::{SessionOpen, Text};
use shm::record::{RecordKind, Stage, StageId};

/// The names of one engine session. What the journal does not tell is named by its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// Configuration as loaded again from the journalled text.
    pub(crate) config: Option<Config>,
    /// By id.
    pub(crate) symbols: Vec<String>,
}

impl Session {
    /// Reads the opening of an epoch from lane 0.
    pub(crate) fn read(journal: &Journal, epoch: u16) -> Outcome<Self> {
        let mut session = Self::default();
        let mut reader = journal.reader(epoch, 0).map_err(Failure::not_done)?;
        while let Some(record) = reader.next().map_err(Failure::not_done)? {
            match RecordKind::from_u16(record.header.kind) {
                Some(RecordKind::SessionOpen) => {
                    let text = SessionOpen::split(record.body)
                        .and_then(|(open, rest)| text_of(rest, open.len));
                    session.config = text.and_then(config_of);
                }
                Some(RecordKind::Instruments) => {
                    let text =
                        Text::split(record.body).and_then(|(head, rest)| text_of(rest, head.len));
                    session.symbols = text.map(symbols_of).unwrap_or_default();
                }
                Some(RecordKind::OpenComplete) => break,
                _ => {}
            }
        }
        Ok(session)
    }

    /// The symbol of an instrument.
    pub(crate) fn symbol(&self, id: InstrumentId) -> String {
        match self.symbols.get(id.index()) {
            Some(symbol) => symbol.clone(),
            None if id == InstrumentId::NONE => "-".to_owned(),
            None => format!("#{}", id.0),
        }
    }

    /// The name of a strategy.
    pub(crate) fn strategy(&self, id: StrategyId) -> String {
        if id == StrategyId::OPERATOR {
            return "operator".to_owned();
        }
        let known = self.config.iter().flat_map(|config| &config.strategies);
        known
            .into_iter()
            .find(|row| row.id == id)
            .map_or(format!("#{}", id.0), |row| row.name.clone())
    }

    /// The name of a feed.
    pub(crate) fn feed(&self, index: u8) -> String {
        let row = self.config.as_ref().and_then(|config| config.feeds.get(usize::from(index)));
        row.map_or_else(|| format!("#{index}"), |row| row.name.clone())
    }

    /// The name of a gateway.
    pub(crate) fn gateway(&self, index: u8) -> String {
        let row = self.config.as_ref().and_then(|config| config.gateways.get(usize::from(index)));
        row.map_or_else(|| format!("#{index}"), |row| row.name.clone())
    }

    /// The name of an account.
    pub(crate) fn account(&self, index: u16) -> String {
        let row = self.config.as_ref().and_then(|config| config.accounts.get(usize::from(index)));
        row.map_or_else(|| format!("#{index}"), |row| row.name.clone())
    }

    /// The currency of an account; empty where the journal does not tell it.
    pub(crate) fn currency(&self, index: u16) -> String {
        let row = self.config.as_ref().and_then(|config| config.accounts.get(usize::from(index)));
        row.map_or_else(String::new, |row| row.currency.clone())
    }

    /// The name of a stage.
    pub(crate) fn stage(&self, stage: StageId) -> String {
        let index = stage.index();
        match stage.kind() {
            Some(Stage::Control) => "control".to_owned(),
            Some(Stage::Risk) => "risk".to_owned(),
            Some(Stage::Strategy) => format!("strategy:{}", self.strategy(StrategyId(index))),
            Some(Stage::Feed) => format!("feed:{}", self.feed(index)),
            Some(Stage::Gateway) => format!("gateway:{}", self.gateway(index)),
            None => format!("stage#{}", stage.0),
        }
    }
}

/// The `len` bytes of text behind a body.
pub(crate) fn text_of(rest: &[u8], len: u32) -> Option<&str> {
    let bytes = rest.get(..usize::try_from(len).ok()?)?;
    std::str::from_utf8(bytes).ok()
}

fn config_of(text: &str) -> Option<Config> {
    let loaded: Result<Loaded, _> = Sources::text("journal", text).load();
    loaded.ok().map(|loaded| loaded.config)
}

fn symbols_of(text: &str) -> Vec<String> {
    match Instruments::parse("journal", text) {
        Ok(instruments) => instruments.iter().map(|row| row.symbol.to_string()).collect(),
        Err(_) => Vec::new(),
    }
}
