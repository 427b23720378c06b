//! What is asked of an engine that stands still, and of one that is killed before it acts.

use crate::held::Held;
use crate::site::Site;
use crate::victim::Victim;
use engine::control::{Reply, Request, ScopeName, line};
use shm::gates::{Gates, Scope, Trigger};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const CRASHES: &str = "start = { after_crash = \"arm\" }";

fn arm() -> Request {
    Request::Arm { scope: ScopeName::default(), reason: "a test".to_owned() }
}

/// Puts a request into the socket; nobody reads it yet.
fn send(site: &Site, request: &Request, patience: Duration) -> UnixStream {
    let mut stream = UnixStream::connect(site.dir().join("control.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(&line(&site.dir(), request, patience)).unwrap();
    stream
}

fn heard(stream: UnixStream) -> Reply {
    let mut text = String::new();
    BufReader::new(stream).read_line(&mut text).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// Goal: of an engine that stood still, no arming is carried out whose caller has gone or given up,
/// or that was asked for before a kill's store; the kill is, and an arming asked for after it.
/// Method: the process stopped; four armings and a kill in its socket in that order; then let go.
#[test]
fn an_arming_from_before_a_kill_is_not_carried_out() {
    let site = Site::open();
    let victim = Victim::start(&site, CRASHES);
    site.wait("the session", |site| site.ask(&arm()).is_in_force());
    let gates = Gates::open(&site.dir().join("gates")).unwrap();
    let patience = Duration::from_secs(60);
    // Closed by a person, and by nobody armed again.
    gates.close(Scope::Global, Trigger::Operator);
    victim.stand_still(true);
    drop(send(&site, &arm(), patience));
    let late = send(&site, &arm(), Duration::ZERO);
    let before = send(&site, &arm(), patience);
    // As `wirelane kill` does it: its own store first, then the engine is asked.
    gates.close(Scope::Global, Trigger::Operator);
    let scope = ScopeName::default();
    let kill = send(&site, &Request::Kill { scope, reason: "a test".to_owned() }, Duration::ZERO);
    victim.stand_still(false);
    let text = heard(late).text;
    assert!(text.contains("its caller waited until"), "{text}");
    let text = heard(before).text;
    assert!(text.contains("closed once while this was on its way"), "{text}");
    assert!(heard(kill).is_in_force());
    assert!(gates.is_closed(Scope::Global));
    site.wait("an arming after it", |site| site.ask(&arm()).is_in_force());
    assert!(!gates.is_closed(Scope::Global));
    victim.stop(&site);
}

/// Goal: a limit set that was journalled, and whose command risk had not taken when the engine was
/// killed, is not in force after the restart, and the restart says so; one that risk took is.
/// Method: risk's thread held, a set loaded, the process killed.
#[test]
fn a_limit_set_that_risk_never_took_does_not_hold_after_a_crash() {
    let site = Site::open();
    let victim = Victim::start(&site, CRASHES);
    site.wait("the session", |site| site.ask(&arm()).is_in_force());
    let load = |qty: &str| {
        let shown = site.ask(&Request::LimitsShow).text;
        let text = shown.split_at(shown.find("[[limits]]").unwrap()).1;
        let text = text.replacen("qty_max = \"1000\"", &format!("qty_max = \"{qty}\""), 1);
        let text = text.replacen("qty_max = \"900\"", &format!("qty_max = \"{qty}\""), 1);
        assert!(text.contains(qty), "{text}");
        let (file, reason) = ("new.toml".to_owned(), "a test".to_owned());
        site.ask(&Request::LimitsLoad { file, text, reason })
    };
    let reply = load("900");
    assert!(reply.ok && reply.text.contains("version 2"), "{}", reply.text);
    let held = Held::thread(victim.pid(), "hot-hot");
    let reply = load("800");
    assert!(!reply.ok && reply.text.starts_with("NOT CONFIRMED"), "{}", reply.text);
    victim.kill_held(&held);
    let victim = Victim::start(&site, CRASHES);
    let (shown, status) = (site.ask(&Request::LimitsShow).text, site.status());
    assert!(shown.contains("\"900\"") && !shown.contains("\"800\""), "{shown}");
    assert!(status.contains("limit set version 3") && status.contains("NOT in force"), "{status}");
    assert!(status.contains("limits: version 4, loaded"), "{status}");
    victim.stop(&site);
    let victim = Victim::start(&site, "");
    let status = site.status();
    assert!(status.contains("limits: version 4, loaded") && !status.contains("NOT in force"));
    victim.stop(&site);
}
