//! The end of a session by our own wish.

use super::*;
use gateway::link::{DialConfig, dial};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Goal: what waits goes out before the logout, nothing after it, and what the venue says until its
/// own end is still heard. Method: an order behind a full socket when the end is asked for.
#[test]
fn the_logout_follows_the_last_message_and_the_venue_is_heard_out() {
    let mut rig = Rig::up(With::default());
    rig.wire.0.lock().unwrap().is_full = true;
    rig.approve(Kind::ApprovedNew, id(1, 0));
    rig.poll();
    rig.stage.begin_leave();
    rig.poll();
    assert!(!rig.wire.0.lock().unwrap().is_finished);
    rig.wire.0.lock().unwrap().is_full = false;
    rig.poll();
    rig.poll();
    assert_eq!(rig.sends(), ["O", "O"].map(str::to_owned), "an order, then the letter of a logout");
    assert!(rig.wire.0.lock().unwrap().is_finished);
    rig.tell(&gateway::codec::ouch50::Canceled {
        timestamp: 2.into(),
        user_ref_num: 1.into(),
        qty: 100.into(),
        reason: gateway::codec::ouch50::CancelReasonCode::USER,
    });
    assert_eq!(rig.reported(), [Kind::Canceled]);
    // No heartbeat follows a logout.
    rig.wait(2_000_000_000);
    assert_eq!(rig.sends().len(), 2);
    rig.wire.0.lock().unwrap().is_over = true;
    rig.poll();
    assert_eq!((rig.counter("link_open"), rig.reported()), (0, vec![Kind::SessionDown]));
    rig.poll();
    let dial = rig.stage.dial.as_ref().unwrap();
    assert_eq!(dial.wanted.load(Ordering::Relaxed), 0, "no link is dialed any more");
}

/// Goal: a venue that reads slowly, and speaks while it does, still reads our last message: the
/// link is not reset under it. Method: a real socket; the venue speaks and does not read, then
/// reads to the end, which must be an end and not a reset.
#[test]
fn a_venue_that_reads_slowly_gets_the_last_message() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (told, heard) = mpsc::channel();
    let venue = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut login = [0; 64];
        let _ = stream.read(&mut login).unwrap();
        let mut out = [0; 64];
        let mut payload = SESSION.to_vec();
        payload.extend_from_slice(format!("{:>20}", 1).as_bytes());
        let len = packet(kind::LOGIN_ACCEPTED, &payload, &mut out).unwrap();
        stream.write_all(&out[..len]).unwrap();
        let mut response = [0; 32];
        let answer = gateway::codec::ouch50::QueryResponse {
            timestamp: 1.into(),
            next_user_ref_num: 1.into(),
        };
        let len = encode(&answer, Appendage::ABSENT, &mut response).unwrap();
        let len = packet(kind::SEQUENCED, &response[..len], &mut out).unwrap();
        stream.write_all(&out[..len]).unwrap();
        heard.recv().unwrap();
        // It speaks on, with nobody's ear: a link dropped here would be reset.
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(1));
            let len = packet(kind::SERVER_HEARTBEAT, &[], &mut out).unwrap();
            stream.write_all(&out[..len]).unwrap();
        }
        let mut read = Vec::new();
        stream.read_to_end(&mut read).map(|_| read)
    });
    let mut rig = Rig::new(With::default());
    let link = AnyLink::Tcp(dial(&DialConfig::new(address)).unwrap());
    assert!(rig.links.push(link).is_ok());
    let until = Instant::now() + Duration::from_secs(20);
    while rig.counter("session_up") == 0 {
        assert!(Instant::now() < until, "the session does not come up");
        rig.poll();
    }
    for slot in 0..100 {
        rig.approve(Kind::ApprovedNew, id(slot, 0));
    }
    rig.poll();
    rig.stage.begin_leave();
    told.send(()).unwrap();
    while rig.counter("link_open") == 1 {
        assert!(Instant::now() < until, "the venue has not come to its end");
        rig.poll();
    }
    drop(rig);
    let read = venue.join().unwrap().expect("the venue's link was reset");
    assert_eq!(letters(&read), format!("Q{}O", "O".repeat(100)));
}

/// Goal: a logon that the venue refuses the engine is still refused while it stops.
#[test]
fn a_session_that_never_came_up_is_closed_by_the_venues_end() {
    let mut rig = Rig::new(With::default());
    rig.connect();
    rig.stage.begin_leave();
    rig.poll();
    assert!(rig.wire.0.lock().unwrap().is_finished);
    let request = rig.wire.0.lock().unwrap().sends[0].clone();
    assert!(LoginRequest::decode(&request[3..]).is_some());
    rig.wire.0.lock().unwrap().is_over = true;
    rig.poll();
    assert_eq!(rig.counter("link_open"), 0);
}
