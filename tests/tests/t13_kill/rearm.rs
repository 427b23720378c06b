//! K6: what an arming needs.

use super::{ALONE, PoisonError, Wanted, wait};
use crate::hold::{Hold, Manner};
use crate::rig::Rig;
use engine::control::{Reply, Request, ScopeName};
use shm::gates::{Scope, Trigger};
use shm::journal::Journal;
use shm::record::RecordKind;
use shm::record::status::Operator;

fn arm(rig: &Rig, reason: &str) -> Reply {
    rig.ask(&Request::Arm { scope: ScopeName::default(), reason: reason.to_owned() })
}

// Goal: K6: without a reason, and with a session that is not reconciled, the gate stays closed;
// with both it opens, and the journal names who and why. Method: a kill with the gateway's thread
// held, so that the guard takes its session; armings before and after it comes back.
#[test]
fn k6_an_arming_needs_a_reason_and_reconciled_sessions() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rig = Rig::start("fused", Wanted::default());
    rig.wait_for_trade(100, || false);
    let hold = Hold::threads(&["hot-hot"], Manner::Sleeps);
    rig.gates.close(Scope::Global, Trigger::Operator);
    wait("the guard does not act", || rig.status().contains("GUARD"));
    drop(hold);
    wait("the link was not shut", || rig.status().contains("session ouch: down"));
    for reason in ["", "  "] {
        let reply = arm(&rig, reason);
        assert!(!reply.ok && reply.text.contains("a reason"), "{}", reply.text);
    }
    let reply = arm(&rig, "too early");
    assert!(!reply.ok && reply.text.contains("not reconciled with ouch"), "{}", reply.text);
    assert!(rig.gates.is_closed(Scope::Global));
    // It says so until the session is back, which the first arming asked for.
    rig.arm();
    assert!(!rig.gates.is_closed(Scope::Global));
    let armed = armings(&rig);
    assert_eq!(armed.len(), 1, "what was refused is no arming: {armed:?}");
    let (uid, text) = &armed[0];
    assert_eq!(*uid, rustix::process::getuid().as_raw());
    assert!(text.starts_with("global") && text.ends_with("the next trip"), "{text}");
}

/// Each arming in the journal: who, and the words.
fn armings(rig: &Rig) -> Vec<(u32, String)> {
    let journal = Journal::open(rig.dir()).unwrap();
    let epoch = journal.epochs().unwrap().into_iter().max().unwrap();
    let mut reader = journal.reader(epoch, 0).unwrap();
    let mut found = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        if record.header.kind == RecordKind::Operator as u16
            && let Some((operator, rest)) = Operator::split(record.body)
            && operator.op == Operator::ARM
        {
            let text = &rest[..operator.len as usize];
            found.push((operator.uid, String::from_utf8_lossy(text).into_owned()));
        }
    }
    found
}

// Goal: K6: nobody but the engine's own user reaches its commands. Method: the socket's mode; the
// kernel's word for who calls is the server's (`allowed`).
#[test]
fn k6_commands_are_the_own_users() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let rig = Rig::start("fused", Wanted::default());
    let socket = std::fs::metadata(rig.dir().join("control.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_eq!(socket.uid(), rustix::process::getuid().as_raw());
    assert!(rig.status().contains("working"));
}
