//! The table `[bus]`.

use super::ConfigError;
use crate::bus::{BusSettings, Families, Login, Name, Server};
use crate::store::Password;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The table as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BusText {
    url: String,
    engine: Option<String>,
    stream: String,
    families: Vec<String>,
    user: Option<String>,
    password_env: Option<String>,
    token_env: Option<String>,
    nkey_env: Option<String>,
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    keep_days: u64,
    keep_mib: u64,
    replicas: u8,
}

impl Default for BusText {
    fn default() -> Self {
        Self {
            url: String::new(),
            engine: None,
            stream: "wirelane".into(),
            families: vec!["session".into(), "orders".into()],
            user: None,
            password_env: None,
            token_env: None,
            nkey_env: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            keep_days: 0,
            keep_mib: 0,
            replicas: 1,
        }
    }
}

/// Where the table stands, and what it refers to.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) dir: &'a Path,
    pub(super) url: Option<&'a str>,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Place<'_> {
    fn wrong<T>(
        &self,
        key: &'static str,
        value: impl Into<String>,
        remedy: &'static str,
    ) -> Result<T, ConfigError> {
        let (path, value) = (self.path.to_path_buf(), value.into());
        Err(ConfigError::Value { path, key, value, remedy })
    }

    fn secret(
        &self,
        key: &'static str,
        name: Option<String>,
    ) -> Result<Option<Password>, ConfigError> {
        let Some(name) = name else { return Ok(None) };
        match (self.environment)(&name) {
            Some(value) => Ok(Some(Password::new(value))),
            None => Err(ConfigError::Environment { path: self.path.to_path_buf(), key, name }),
        }
    }

    fn name(&self, key: &'static str, text: String) -> Result<Name, ConfigError> {
        match Name::parse(&text) {
            Some(name) if name.as_str() != "local" => Ok(name),
            Some(_) => self.wrong(key, text, "that is what a store calls the engine beside it"),
            None => self.wrong(key, text, "write 1 to 64 letters, digits, - and _"),
        }
    }
}

impl BusText {
    /// Checks it.
    pub(super) fn settings(self, place: &Place<'_>) -> Result<BusSettings, ConfigError> {
        let url = place.url.map_or(self.url, str::to_owned);
        let is_known = ["nats://", "tls://"]
            .iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        if !is_known {
            return place.wrong("bus.url", url, "write nats://host:port or tls://host:port");
        }
        if url.contains('@') {
            let shown = "(a URL with a name or password)";
            return place.wrong("bus.url", shown, "take it out: user, password_env, token_env");
        }
        let password = place.secret("bus.password_env", self.password_env)?;
        let token = place.secret("bus.token_env", self.token_env)?;
        let nkey = place.secret("bus.nkey_env", self.nkey_env)?;
        let login = match (self.user, password, token, nkey) {
            (None, None, None, None) => Login::Nobody,
            (Some(user), Some(password), None, None) => Login::User(user, password),
            (None, None, Some(token), None) => Login::Token(token),
            (None, None, None, Some(seed)) => Login::Nkey(seed),
            (user, ..) => {
                let remedy = "write user with password_env, or token_env alone, or nkey_env alone";
                return place.wrong("bus.user", user.unwrap_or_default(), remedy);
            }
        };
        let file = |file: PathBuf| place.dir.join(file);
        let certificate = match (self.cert_file, self.key_file) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((file(certificate), file(key))),
            _ => return place.wrong("bus.cert_file", "", "write cert_file and key_file, or none"),
        };
        let families = match Families::parse(&self.families) {
            Ok(families) if !self.families.is_empty() => families,
            Ok(_) => return place.wrong("bus.families", "[]", "name at least one"),
            Err(name) => {
                return place.wrong("bus.families", name, "write session, orders, wire, inputs");
            }
        };
        let server = Server { url, login, ca_file: self.ca_file.map(file), certificate };
        let keep = match self.keep_days {
            days @ 0..=36_500 => Duration::from_secs(days * 86_400),
            days => return place.wrong("bus.keep_days", days.to_string(), "write 0 to 36500"),
        };
        let keep_bytes = match self.keep_mib.checked_mul(1 << 20) {
            Some(bytes) if i64::try_from(bytes).is_ok() => bytes,
            _ => return place.wrong("bus.keep_mib", self.keep_mib.to_string(), "write less"),
        };
        if !(1..=5).contains(&self.replicas) {
            return place.wrong("bus.replicas", self.replicas.to_string(), "write 1 to 5");
        }
        Ok(BusSettings {
            server,
            stream: place.name("bus.stream", self.stream)?,
            engine: self.engine.map(|name| place.name("bus.engine", name)).transpose()?,
            families,
            keep,
            keep_bytes,
            replicas: self.replicas,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::bus::{Families, Family, Login};
    use crate::config::{Config, ConfigError};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    fn parse(bus: &str, url: Option<&str>) -> Result<Config, ConfigError> {
        let environment = |name: &str| (name == "PW").then(|| "hunter2".to_owned());
        let text = format!("version = 1\n{bus}");
        Config::parse(&text, Path::new("s.toml"), Path::new("/data"), url, &environment)
    }

    /// Goal: every key of the table is read, a URL is enough, and no secret is shown. Method: a
    /// table with all keys, one with two, none.
    #[test]
    fn every_key_of_the_bus_is_read() {
        assert!(parse("", None).unwrap().bus.is_none());
        let bus = parse("", Some("nats://h:1")).unwrap().bus.unwrap();
        assert_eq!((bus.server.url.as_str(), bus.stream.as_str()), ("nats://h:1", "wirelane"));
        assert_eq!((bus.families, bus.engine), (Families::STORE, None));
        let text = "[bus]\nurl = \"tls://h:1\"\nengine = \"a\"\nstream = \"s\"\nuser = \"me\"\n\
                    families = [\"wire\"]\npassword_env = \"PW\"\nca_file = \"ca\"\n\
                    cert_file = \"c\"\nkey_file = \"/k\"\nkeep_days = 2\nkeep_mib = 3\n\
                    replicas = 3";
        let config = parse(text, None).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let bus = config.bus.unwrap();
        let engine = bus.engine.clone().unwrap();
        assert_eq!((bus.stream_of(&engine), bus.subject_of(&engine)), ("s-a".into(), "s.a".into()));
        assert!(bus.families.has(Family::Wire) && !bus.families.has(Family::Orders));
        assert!(matches!(&bus.server.login, Login::User(user, _) if user == "me"));
        assert_eq!(bus.server.ca_file, Some(PathBuf::from("/data/ca")));
        assert_eq!(bus.server.certificate, Some(("/data/c".into(), "/k".into())));
        assert_eq!((bus.keep, bus.keep_bytes), (Duration::from_secs(172_800), 3 << 20));
        assert_eq!(bus.replicas, 3);
        for (key, is) in [("token_env", "Token(***)"), ("nkey_env", "Nkey(***)")] {
            let config = parse(&format!("[bus]\nurl = \"nats://h\"\n{key} = \"PW\""), None);
            assert_eq!(format!("{:?}", config.unwrap().bus.unwrap().server.login), is);
        }
    }

    /// Goal: what is wrong is told with file and key. Method: one fault at a time.
    #[test]
    fn every_fault_of_the_bus_names_its_key() {
        let cases = [
            ("", "bus.url"),
            ("url = \"http://h\"", "bus.url"),
            ("url = \"nats://u:hunter2@h\"", "bus.url"),
            ("url = \"nats://h\"\nurll = 1", "urll"),
            ("url = \"nats://h\"\nengine = \"a.b\"", "bus.engine"),
            ("url = \"nats://h\"\nengine = \"local\"", "bus.engine"),
            ("url = \"nats://h\"\nstream = \"\"", "bus.stream"),
            ("url = \"nats://h\"\nfamilies = []", "bus.families"),
            ("url = \"nats://h\"\nfamilies = [\"place\"]", "bus.families"),
            ("url = \"nats://h\"\nuser = \"me\"", "bus.user"),
            ("url = \"nats://h\"\npassword_env = \"NONE\"", "bus.password_env"),
            ("url = \"nats://h\"\ntoken_env = \"NONE\"", "bus.token_env"),
            ("url = \"nats://h\"\ntoken_env = \"PW\"\nnkey_env = \"PW\"", "bus.user"),
            ("url = \"nats://h\"\nkey_file = \"k\"", "bus.cert_file"),
            ("url = \"nats://h\"\nkeep_days = 36501", "bus.keep_days"),
            ("url = \"nats://h\"\nkeep_mib = 9000000000000", "bus.keep_mib"),
            ("url = \"nats://h\"\nreplicas = 6", "bus.replicas"),
        ];
        for (text, named) in cases {
            let error = parse(&format!("[bus]\n{text}"), None).unwrap_err().to_string();
            assert!(error.contains("s.toml") && error.contains(named), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
