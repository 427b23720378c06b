//! C3 on the running engine: after a `kill -9` a person is asked, unless the configuration says
//! otherwise; what a person disabled stays so.

use crate::site::{GOOD, Site};
use engine::control::{Request, ScopeName};
use shm::ids::ClOrdId;
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order::Denied;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

const FUSED: &str = "topology = { layout = \"fused\", wait = \"yield\", helpers = \"auto\" }";

/// An engine as a process. Dropped, it is killed.
struct Victim(Child, BufReader<ChildStdout>);

impl Victim {
    fn start(site: &Site, more: &str) -> Self {
        let path = site.path("engine.toml");
        let bad = "act = \"huge\", after = 1000000, qty = \"5\"";
        std::fs::write(&path, site.config(bad, &format!("{FUSED}\n{more}"))).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_victim"))
            .args([path.to_str().unwrap(), "fused"])
            .env("CRASH_PASSWORD", "loopback")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("READY"), "{line:?}");
        Self(child, said)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Stops in order.
    fn stop(mut self, site: &Site) {
        assert!(site.ask(&Request::Stop).ok);
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        assert!(self.0.wait().unwrap().success(), "{line:?}");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be gone already: that is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Orders of the newest start on the wire.
fn of_this_start(site: &Site) -> usize {
    let journal = shm::journal::Journal::open(&site.dir()).unwrap();
    let epoch = *journal.epochs().unwrap().iter().max().unwrap();
    let ids: Vec<ClOrdId> = site.on_the_wire(GOOD);
    ids.iter().filter(|id| id.epoch() == epoch).count()
}

fn trades(site: &Site) {
    site.wait("orders", |site| of_this_start(site) >= 20);
}

fn refused_by_mode(site: &Site) -> usize {
    let denied = site.records(RecordKind::Denied);
    let reasons = denied.iter().filter_map(|body| Denied::read(body)).map(|denied| denied.reason);
    reasons.filter(|reason| *reason == Reason::Mode as u8).count()
}

/// Goal: after a crash nothing new leaves until a person arms, and then it does; a stop in order is
/// followed by trading; a strategy that a person disabled stays so over both; the configuration may
/// say that a crash changes nothing. Method: the engine as a process, killed and stopped by turns;
/// the exchange's log.
#[test]
fn c3_after_a_crash_a_person_arms_and_what_was_disabled_stays_so() {
    let site = Site::open();
    let victim = Victim::start(&site, "");
    trades(&site);
    victim.kill();
    let victim = Victim::start(&site, "");
    assert!(site.status().contains("mode: cancel only"), "{}", site.status());
    site.wait("refusals", |site| refused_by_mode(site) >= 20);
    assert_eq!(of_this_start(&site), 0, "something new left");
    // Killed once more before anybody came: still nobody has armed.
    victim.kill();
    let victim = Victim::start(&site, "start = { after_crash = \"arm\" }");
    assert!(site.status().contains("mode: cancel only"), "{}", site.status());
    let arm = Request::Arm { scope: ScopeName::default(), reason: "looked".to_owned() };
    site.wait("the arming", |site| site.ask(&arm).ok);
    site.wait("the mode", |site| site.status().contains("mode: active"));
    trades(&site);
    victim.kill();
    let victim = Victim::start(&site, "start = { after_crash = \"arm\" }");
    trades(&site);
    assert!(site.ask(&Request::Disable { strategy: "good".to_owned() }).ok);
    site.wait("it", |site| site.status().contains("good disabled"));
    victim.stop(&site);
    let victim = Victim::start(&site, "");
    assert!(site.status().contains("mode: active"), "a stop in order: {}", site.status());
    assert!(site.status().contains("good disabled"), "{}", site.status());
    victim.kill();
    let victim = Victim::start(&site, "start = { after_crash = \"arm\" }");
    assert!(site.status().contains("good disabled"), "{}", site.status());
    assert_eq!(of_this_start(&site), 0);
    assert!(site.ask(&Request::Enable { strategy: "good".to_owned() }).ok);
    trades(&site);
    victim.stop(&site);
}
