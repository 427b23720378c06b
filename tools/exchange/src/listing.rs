//! What is listed: symbols by locate and by name, ticks, trading states.

use crate::flow::{SymbolSpec, TICK_CENT};
use shm::ids::Symbol;
use std::collections::HashMap;

/// A listed symbol.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its name.
    pub symbol: Symbol,
    /// Tick at 1.00 and above, as price4.
    pub tick_px: u32,
    /// ITCH trading state: `T` trades, `H` halted, `P` paused, `Q` quotation only.
    pub state: u8,
}

/// All listed symbols. Locates count from 1; a recording may leave holes.
#[derive(Debug, Default)]
pub struct Listing {
    by_locate: Vec<Option<Listed>>,
    by_symbol: HashMap<Symbol, u16>,
}

impl Listing {
    /// The symbols of a generated flow: locates by position from 1, all trading.
    #[must_use]
    pub fn of(specs: &[SymbolSpec]) -> Self {
        let mut listing = Self::default();
        for (index, spec) in specs.iter().enumerate() {
            listing.list(index as u16 + 1, spec.symbol, spec.tick_px);
            listing.set_state(index as u16 + 1, b'T');
        }
        listing
    }

    /// Lists a symbol, halted until its state is set, as a recorded directory message does.
    pub fn list(&mut self, locate: u16, symbol: Symbol, tick_px: u32) {
        let at = usize::from(locate);
        if self.by_locate.len() <= at {
            self.by_locate.resize(at + 1, None);
        }
        self.by_locate[at] = Some(Listed { symbol, tick_px, state: b'H' });
        self.by_symbol.insert(symbol, locate);
    }

    /// Lists a symbol that a recording uses without having named it: tick of a cent, trading.
    pub fn list_unnamed(&mut self, locate: u16, symbol: Symbol) {
        if self.get(locate).is_none() {
            self.list(locate, symbol, TICK_CENT);
            self.set_state(locate, b'T');
        }
    }

    /// Sets the trading state of a listed symbol.
    pub fn set_state(&mut self, locate: u16, state: u8) {
        if let Some(Some(listed)) = self.by_locate.get_mut(usize::from(locate)) {
            listed.state = state;
        }
    }

    /// What is listed under `locate`.
    #[must_use]
    pub fn get(&self, locate: u16) -> Option<&Listed> {
        self.by_locate.get(usize::from(locate))?.as_ref()
    }

    /// The locate of `symbol`.
    #[must_use]
    pub fn locate_of(&self, symbol: &Symbol) -> Option<u16> {
        self.by_symbol.get(symbol).copied()
    }

    /// The name listed under `locate`; spaces for none.
    #[must_use]
    pub fn symbol(&self, locate: u16) -> Symbol {
        self.get(locate).map_or(Symbol([b' '; 8]), |listed| listed.symbol)
    }

    /// Largest listed locate, 0 for none.
    #[must_use]
    pub fn locate_max(&self) -> u16 {
        self.by_locate.len().saturating_sub(1) as u16
    }

    /// Listed locates with their symbols, rising.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Listed)> + '_ {
        self.by_locate
            .iter()
            .enumerate()
            .filter_map(|(locate, listed)| Some((locate as u16, listed.as_ref()?)))
    }
}
