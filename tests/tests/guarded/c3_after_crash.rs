//! C3 on the running engine: after a `kill -9` a person is asked, unless the configuration says
//! otherwise; what a person disabled stays so.

use crate::site::{GOOD, Site};
use crate::victim::Victim;
use engine::control::{Request, ScopeName};
use shm::ids::ClOrdId;
use shm::reason::Reason;
use shm::record::RecordKind;
use shm::record::order::Denied;

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
    site.wait("the arming", |site| site.ask(&arm).is_in_force());
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
