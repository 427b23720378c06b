//! The demonstration's configuration: the one in `config/`, with the ports and paths of this run.

use super::input::Symbols;
use super::venue::Ports;
use engine::config::Sources;
use std::path::Path;

/// Name of the configuration, in the run's folder and in faults.
pub(crate) const CONFIG_NAME: &str = "demo.toml";
/// The configuration.
pub(crate) const CONFIG: &str = include_str!("../../../../config/demo.toml");
/// Name of the instrument file in the run's folder.
pub(crate) const INSTRUMENTS_NAME: &str = "demo-instruments.csv";
/// The instrument file.
pub(crate) const INSTRUMENTS: &str = include_str!("../../../../config/demo-instruments.csv");
/// Variable that holds the password of the loopback session.
pub(crate) const PASSWORD_VARIABLE: &str = "WIRELANE_OUCH_PASSWORD";
/// That password where the variable is not set: the session never leaves the machine.
const PASSWORD: &str = "loopback";

/// A secret of the configuration: the environment's, or the loopback session's own.
pub(crate) fn secret(variable: &str) -> Option<String> {
    let own = || (variable == PASSWORD_VARIABLE).then(|| PASSWORD.to_owned());
    std::env::var(variable).ok().or_else(own)
}

/// The configuration's layers for one run. `folder` holds the two files; paths are absolute.
pub(crate) fn sources(folder: &Path, ports: &Ports, symbols: Option<&Symbols>) -> Sources {
    let mut sources = Sources::text(&folder.join(CONFIG_NAME).display().to_string(), CONFIG);
    sources.environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    sources.sets = vec![
        format!("engine.dir={}", folder.display()),
        format!("market.instruments={}", folder.join(INSTRUMENTS_NAME).display()),
        format!("feed.itch.a={}", ports.itch_a),
        format!("feed.itch.b={}", ports.itch_b),
        format!("feed.itch.request={}", ports.request),
        format!("feed.itch.hash_channel={}", ports.hash),
        format!("gateway.ouch.session.soup={}", ports.ouch),
    ];
    if let Some(symbols) = symbols {
        sources.sets.push(format!("strategy.mm.wiring.instruments={}", symbols.for_maker()));
        sources.sets.push(format!("strategy.take.wiring.instruments={}", symbols.for_taker()));
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::venue::parse_ready;

    const READY: &str = "READY itch_a=127.0.0.1:4001 itch_b=127.0.0.1:4002 request=127.0.0.1:4003 \
        ouch=127.0.0.1:4004 hash=127.0.0.1:4005 itch_soup=-";

    /// Goal: the embedded configuration loads with the overrides of a run, generated or recorded.
    #[test]
    fn the_embedded_configuration_loads() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join(INSTRUMENTS_NAME), INSTRUMENTS).unwrap();
        let ports = parse_ready(READY).unwrap();
        let mut sources = sources(temp.path(), &ports, None);
        sources.environment.clear();
        let (loaded, instruments, _) = sources.load_and_bind().unwrap();
        assert_eq!((instruments.len(), loaded.config.strategies.len()), (8, 3));
        assert_eq!(loaded.config.engine.dir, temp.path());
        let symbols = Symbols::of_names(["AAPL"]);
        std::fs::write(temp.path().join(INSTRUMENTS_NAME), symbols.instruments()).unwrap();
        let mut sources = super::sources(temp.path(), &ports, Some(&symbols));
        sources.environment.clear();
        let (_, instruments, _) = sources.load_and_bind().unwrap();
        assert_eq!(instruments.len(), 1);
    }
}
