//! Scopes as a person writes them: the same words for kill, arm and mode, in the engine and in the
//! commands that ask it.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "cold: the control thread, and those who ask it"
)]

use crate::config::Config;
use shm::gates::Scope;
use shm::ids::{AccountId, GatewayId, InstrumentId};
use shm::printable::printable;

/// How scopes are written.
const WORDS: &str = "write global (or firm), strategy:NAME, account:NAME, gateway:NAME (or venue:NAME), \
                     session:NAME or instrument:SYMBOL";
/// Names told one by one; the rest are counted.
const NAMED_MAX: usize = 10;

/// The scope of a text, by the names of a configuration and of its instruments, in their order.
///
/// # Errors
/// What is wrong with it, and what it may be.
pub fn scope_of<'a>(
    text: &str,
    config: &Config,
    symbols: impl Iterator<Item = &'a str>,
) -> Result<Scope, String> {
    let shown = printable(text);
    let Some((kind, name)) = text.split_once(':') else {
        let is_all = matches!(text, "global" | "firm");
        return if is_all { Ok(Scope::Global) } else { Err(format!("no scope {shown}; {WORDS}")) };
    };
    let names: Vec<&str> = match kind {
        "strategy" => config.strategies.iter().map(|row| row.name.as_str()).collect(),
        "account" => config.accounts.iter().map(|row| row.name.as_str()).collect(),
        "gateway" | "venue" | "session" => {
            config.gateways.iter().map(|row| row.name.as_str()).collect()
        }
        "instrument" => symbols.collect(),
        _ => return Err(format!("no scope {shown}; {WORDS}")),
    };
    let at = names.iter().position(|known| *known == name);
    let scope = at.and_then(|at| match kind {
        "strategy" => config.strategies.get(at).map(|row| Scope::Strategy(row.id)),
        "account" => u16::try_from(at).ok().map(|at| Scope::Account(AccountId(at))),
        "session" => u8::try_from(at).ok().map(|at| Scope::Session(GatewayId(at))),
        "instrument" => u32::try_from(at).ok().map(|at| Scope::Instrument(InstrumentId(at))),
        _ => u8::try_from(at).ok().map(|at| Scope::Venue(GatewayId(at))),
    });
    scope.ok_or_else(|| {
        let more = names.len().saturating_sub(NAMED_MAX);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let known: Vec<&str> = names.into_iter().take(NAMED_MAX).collect();
        format!("no scope {shown}; of that kind there are: {}{more}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;
    use shm::ids::StrategyId;

    /// Goal: every kind of scope is found by its names, and what is not found is told with what
    /// there is. Method: each kind, with a name that is there and one that is not.
    #[test]
    fn scopes_have_names() {
        let text = include_str!("../config/tests/good.toml");
        let config = Sources::text("good.toml", text).load().unwrap().config;
        let read = |text: &str| scope_of(text, &config, ["AAPL", "MSFT"].into_iter());
        for (text, scope) in [
            ("global", Scope::Global),
            ("firm", Scope::Global),
            ("strategy:take", Scope::Strategy(StrategyId(2))),
            ("account:main", Scope::Account(AccountId(0))),
            ("gateway:ouch", Scope::Venue(GatewayId(0))),
            ("venue:ouch", Scope::Venue(GatewayId(0))),
            ("session:ouch", Scope::Session(GatewayId(0))),
            ("instrument:MSFT", Scope::Instrument(InstrumentId(1))),
        ] {
            assert_eq!(read(text), Ok(scope), "{text}");
        }
        for (text, part) in [
            ("strategy:none", "of that kind there are: mm, take, probe"),
            ("account:", "of that kind there are: main"),
            ("venue:nasdaq", "of that kind there are: ouch"),
            ("instrument:aapl", "of that kind there are: AAPL, MSFT"),
            ("desk:main", "write global (or firm), strategy:NAME"),
            ("everything", "write global (or firm), strategy:NAME"),
            ("a\nb", "no scope a\\nb; write"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
