//! The forms of text that keys take.

use std::net::SocketAddr;

use shm::ids::Symbol;
use shm::units::decimal;

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The name of a thing of the configuration.
    Name,
    /// A currency.
    Currency,
    /// A path of the file system.
    Path,
    /// A path, or `auto`.
    PathOrAuto,
    /// Address and port.
    Address,
    /// A time zone of the IANA data base.
    Zone,
    /// A date, or `auto`.
    Date,
    /// The name of an environment variable.
    Variable,
    /// A SoupBinTCP user name. Source: SoupBinTCP 4.00, 2.2.1 Login Request Packet.
    User,
    /// The name of a venue in the instrument file.
    Venue,
    /// A symbol, or `*` for every instrument of the file.
    SymbolOrAll,
    /// A stage, or a kind of stages.
    Stage,
    /// What a limit table holds for.
    Scope,
    /// How fast a file is played.
    Speed,
    /// Hours of a day, or `always`.
    Hours,
}

impl Form {
    /// Whether a text has the form. A text that has it may still name nothing that exists.
    pub(super) fn holds(self, text: &str) -> bool {
        match self {
            Self::Name => is_name(text),
            Self::Currency => {
                (3..=8).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            }
            Self::Path | Self::PathOrAuto => !text.is_empty() && !text.contains('\0'),
            Self::Address => text.parse::<SocketAddr>().is_ok_and(|address| address.port() != 0),
            Self::Zone => super::calendar::is_zone(text),
            Self::Date => text == "auto" || super::calendar::parse_date(text).is_some(),
            Self::Variable => {
                text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            }
            Self::User => {
                (1..=6).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
            Self::Venue | Self::SymbolOrAll => Symbol::new(text).is_some(),
            Self::Stage => match text.split_once(':') {
                None => matches!(text, "feed" | "strategy" | "risk" | "gateway"),
                Some(("feed" | "strategy" | "gateway", name)) => is_name(name),
                Some(_) => false,
            },
            Self::Scope => match text.split_once(':') {
                None => text == "firm",
                Some(("account" | "strategy", name)) => is_name(name),
                Some(("instrument", symbol)) => Symbol::new(symbol).is_some(),
                Some(_) => false,
            },
            Self::Speed => text == "max" || parse_speed(text).is_some(),
            Self::Hours => text == "always" || parse_hours(text).is_some(),
        }
    }

    /// The form in words.
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Name => "a name of 1 to 32 of a-z, 0-9, - and _, starting with a letter",
            Self::Currency => "a currency of 3 to 8 of A-Z and 0-9, as USD",
            Self::Path => "a path",
            Self::PathOrAuto => "a path, or auto",
            Self::Address => {
                "address:port with a number for each, as 127.0.0.1:26400 or [::1]:26400"
            }
            Self::Zone => "a time zone of the IANA data base, as America/New_York",
            Self::Date => "auto, or a date as 2026-01-31",
            Self::Variable => "the name of an environment variable, of A-Z, a-z, 0-9 and _",
            Self::User => "1 to 6 of A-Z, a-z and 0-9",
            Self::Venue => "the name of a venue of the instrument file, of 1 to 8 characters",
            Self::SymbolOrAll => "a symbol of 1 to 8 characters, or * for all",
            Self::Stage => {
                "feed, feed:NAME, strategy, strategy:NAME, risk, gateway or gateway:NAME"
            }
            Self::Scope => "firm, account:NAME, strategy:NAME or instrument:SYMBOL",
            Self::Speed => "max, or a decimal above 0 with at most 3 decimals, as 1 or 2.5",
            Self::Hours => "always, or from-to of one day with 24 hours, as 09:30-16:00",
        }
    }
}

/// 1 to 32 of `a-z0-9-_`, starting with a letter, so that no name is a number.
fn is_name(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|char: char| char.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        })
}

/// A speed as thousandths of real time, in `1..=1_000_000_000`; `None` for anything else.
pub(super) fn parse_speed(text: &str) -> Option<u32> {
    let milli = u32::try_from(decimal::parse_scaled(text, 3).ok()?).ok()?;
    (1..=1_000_000_000).contains(&milli).then_some(milli)
}

/// Hours of a day as minutes since its midnight, `from < to <= 1440`; `None` for anything else.
pub(super) fn parse_hours(text: &str) -> Option<(u32, u32)> {
    let minutes = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let is_two = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let both = is_two(hours) && is_two(minutes);
        let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let total = hours * 60 + minutes;
        (both && minutes < 60 && total <= 1440).then_some(total)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from < to).then_some((from, to))
}
