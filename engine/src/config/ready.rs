//! What a start needs besides a sound configuration: the machine's cores, and secrets in the
//! environment.

use gateway::session::soupbintcp::Credentials;

use super::fault::{Fault, FaultKind, Report};
use super::load::Loaded;
use super::machine::Machine;
use super::model::{FeedSource, Session};
use super::topology::{self, Plan};

/// Where a secret is looked up by the name that the configuration gives.
pub type SecretSource = fn(&str) -> Option<String>;

/// The environment of the process.
#[must_use]
pub fn secret_of_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Plans a configuration on a machine, and looks for the secrets that it names.
///
/// # Errors
/// The report of every core that is named and not there, and of every secret that is not.
pub fn ready(loaded: &Loaded, machine: &Machine, secret: SecretSource) -> Result<Plan, Report> {
    let mut faults = topology::missing_cores(loaded, machine);
    faults.extend(missing_secrets(loaded, secret));
    if faults.is_empty() {
        topology::plan(loaded, machine)
    } else {
        Err(Report { faults }.sorted())
    }
}

/// A fault for each secret that is named and not there, or that its session does not take.
#[must_use]
pub fn missing_secrets(loaded: &Loaded, secret: SecretSource) -> Vec<Fault> {
    let mut faults = Vec::new();
    let gateways = loaded.config.gateways.iter().filter_map(|row| match &row.session {
        Session::Ouch50 { user, password_env, .. } => {
            Some((format!("gateway.{}.session.password_env", row.name), user, password_env))
        }
        Session::Paper { .. } => None,
    });
    let feeds = loaded.config.feeds.iter().filter_map(|row| match &row.source {
        FeedSource::Soup { user, password_env, .. } => {
            Some((format!("feed.{}.password_env", row.name), user, password_env))
        }
        FeedSource::Lines { .. } | FeedSource::File { .. } => None,
    });
    for (key, user, password_env) in feeds.chain(gateways) {
        let found = secret(password_env).filter(|password| !password.is_empty());
        let (wrong, remedy) = match found {
            None => ("the environment does not have it", "set it for the engine's process"),
            Some(password) if Credentials::new(user, &password).is_none() => {
                ("what the environment has is no password", "set it to one")
            }
            Some(_) => continue,
        };
        faults.push(Fault {
            kind: FaultKind::Environment,
            origin: loaded.origin_of(&key),
            key,
            wrong: format!("{password_env}: {wrong}"),
            allowed: "1 to 10 printable ASCII characters".to_owned(),
            remedy: remedy.to_owned(),
        });
    }
    faults
}
