//! Both roles against each other: time, login, resume, replay, end.

use super::*;

/// Goal: heartbeats go out after exactly 1 s without sending, and any sending puts them off.
#[test]
fn heartbeats_follow_one_second_of_own_silence() {
    let store = numbered(0);
    let mut client = client(Start::FIRST);
    let mut server = server();
    let answer = log_in(&mut server, &mut client, &store, 0);
    assert_eq!(client_poll(&mut client, 5 * SECOND), [], "nothing before the answer");
    assert_eq!(client.on_bytes(&answer, Nanos(0)), answer.len());
    drain(&mut client);

    assert_eq!(client_poll(&mut client, SECOND - 1), []);
    assert_eq!(client_poll(&mut client, SECOND), hex("0001 52"));
    assert_eq!(client_poll(&mut client, 2 * SECOND - 1), []);
    client.on_sent(Nanos(2 * SECOND - 1));
    assert_eq!(client_poll(&mut client, 3 * SECOND - 2), []);
    assert_eq!(client_poll(&mut client, 3 * SECOND - 1), hex("0001 52"));

    assert_eq!(server_poll(&mut server, &store, SECOND - 1).0, []);
    assert_eq!(server_poll(&mut server, &store, SECOND).0, hex("0001 48"));
    let store = numbered(1);
    assert_eq!(server_poll(&mut server, &store, 2 * SECOND - 1).0[2], b'S');
    assert_eq!(server_poll(&mut server, &store, 3 * SECOND - 2).0, []);
    assert_eq!(server_poll(&mut server, &store, 3 * SECOND - 1).0, hex("0001 48"));
}

/// Goal: a silent peer is dead just beyond 15 s, one that speaks is not.
#[test]
fn silence_beyond_fifteen_seconds_ends_the_session() {
    let store = numbered(0);
    let mut client = client(Start::FIRST);
    let mut server = server();
    let answer = log_in(&mut server, &mut client, &store, 0);
    assert_eq!(client.on_bytes(&answer, Nanos(10)), answer.len());
    drain(&mut client);
    client_poll(&mut client, 10 + 15 * SECOND);
    assert!(client.is_live());
    client_poll(&mut client, 11 + 15 * SECOND);
    assert_eq!(client.state(), ClientState::Ended(EndReason::Silence));

    assert_eq!(server.on_bytes(&hex("0001 52"), Nanos(20)), 3);
    assert!(!server_poll(&mut server, &store, 20 + 15 * SECOND).1);
    assert!(server_poll(&mut server, &store, 21 + 15 * SECOND).1);
    assert_eq!(server.state(), ServerState::Ended(EndReason::Silence));
}

/// Goal: a login that does not come, or is not answered, is given up after its limit.
#[test]
fn logins_are_given_up_after_their_limit() {
    let mut client = connected(Start::FIRST);
    client_poll(&mut client, 30 * SECOND);
    assert!(matches!(client.state(), ClientState::LoginSent { .. }));
    client_poll(&mut client, 30 * SECOND + 1);
    assert_eq!(client.state(), ClientState::Ended(EndReason::LoginTimeout));

    let mut server = server();
    server.on_connect(Nanos(5));
    assert!(!server_poll(&mut server, &numbered(0), 5 + 30 * SECOND).1);
    assert!(server_poll(&mut server, &numbered(0), 6 + 30 * SECOND).1);
}

/// Goal: after a cut the client asks for the next number of the known session and misses nothing.
/// Method: cut the server's stream at every byte, reconnect, compare with the whole stream.
#[test]
fn a_cut_session_resumes_without_loss_or_repeat() {
    let store = numbered(5);
    let expected: Vec<Seen> = store
        .messages
        .iter()
        .zip(1..)
        .map(|(message, seq)| Seen::Message(seq, message.clone()))
        .collect();
    let is_message = |seen: &Seen| matches!(seen, Seen::Message(..));
    for cut in 0..200 {
        let mut client = client(Start::FIRST);
        let mut server = server();
        let mut bytes = log_in(&mut server, &mut client, &store, 0);
        bytes.truncate(cut);
        assert_eq!(client.on_bytes(&bytes, Nanos(0)), bytes.len());
        let mut seen = drain(&mut client);
        client.on_disconnect();
        server.on_disconnect();
        let had_login = !seen.is_empty();
        let bytes = log_in(&mut server, &mut client, &store, 1);
        assert_eq!(client.on_bytes(&bytes, Nanos(1)), bytes.len());
        let again = drain(&mut client);
        let next_seq = seen.iter().filter(|seen| is_message(seen)).count() as u64 + 1;
        assert_eq!(again[0], Seen::Login { next_seq, is_new_session: false, is_gap: false });
        seen.extend(again);
        seen.retain(is_message);
        assert_eq!(seen, expected, "cut at {cut}");
        assert_eq!(client.position().seq, 6);
        assert!(had_login || cut < 33);
    }
}

/// Goal: another session's name, and a start other than asked for, are reported.
#[test]
fn a_new_session_and_a_gap_are_reported() {
    let mut client = connected(Start { session: session(), seq: 7 });
    assert_eq!(client.on_bytes(&accepted("S2", 1), Nanos(0)), 33);
    let expected = Seen::Login { next_seq: 1, is_new_session: true, is_gap: true };
    assert_eq!(drain(&mut client), [expected]);
    assert_eq!(client.position().session.0, *b"        S2");

    let mut client = connected(Start { session: session(), seq: 7 });
    let padded_otherwise = [b"\x00\x1fAS1        ".as_slice(), b"                   7"].concat();
    assert_eq!(client.on_bytes(&padded_otherwise, Nanos(0)), 33);
    let expected = Seen::Login { next_seq: 7, is_new_session: false, is_gap: false };
    assert_eq!(drain(&mut client), [expected]);
}

/// Goal: the server starts where asked, and never beyond its stream. Method: every request around
/// it.
#[test]
fn the_server_starts_where_asked() {
    for (asked, expected) in [(0, 6), (1, 1), (5, 5), (6, 6), (7, 6), (u64::MAX, 6)] {
        let store = numbered(5);
        let mut client = client(Start { session: SessionName::CURRENT, seq: asked });
        let mut server = server();
        let bytes = log_in(&mut server, &mut client, &store, 0);
        assert_eq!(client.on_bytes(&bytes, Nanos(0)), bytes.len());
        let seen = drain(&mut client);
        let is_gap = asked > 6;
        assert_eq!(seen[0], Seen::Login { next_seq: expected, is_new_session: false, is_gap });
        assert_eq!(seen.len() as u64, 1 + 6 - expected, "asked {asked}");
        assert_eq!(server.next_seq(), 6);
    }
}

/// Goal: a wrong session or a refused login is answered with its letter, then the server closes.
#[test]
fn refusals_carry_their_letter_and_close() {
    let store = numbered(0);
    for refuse in [false, true] {
        let mut client = connected(Start { session: SessionName::new("OTHER").unwrap(), seq: 1 });
        let mut server = server();
        server.on_connect(Nanos(0));
        client.on_connect(Nanos(0));
        let login = client_poll(&mut client, 0);
        assert_eq!(server.on_bytes(&login, Nanos(0)), login.len());
        let Some(ServerEvent::Login(request)) = server.next_event() else { panic!("no login") };
        if refuse {
            server.reject(REJECT_CREDENTIALS);
        } else {
            assert!(!server.accept(&request, 1));
        }
        let letter = if refuse { b'A' } else { b'S' };
        let (bytes, close) = server_poll(&mut server, &store, 0);
        assert_eq!((bytes.as_slice(), close), (&[0, 2, b'J', letter][..], true));
        assert_eq!(client.on_bytes(&bytes, Nanos(0)), 4);
        assert_eq!(drain(&mut client), [Seen::Ended(EndReason::Rejected(letter))]);
    }
}

/// Goal: letter case and padding of credentials do not matter, everything else does.
#[test]
fn credentials_match_apart_from_letter_case() {
    let ours = credentials();
    assert!(ours.matches(&Credentials::new("USER", "PassWord").unwrap()));
    assert!(!ours.matches(&Credentials::new("USER", "PassWorx").unwrap()));
    assert!(!ours.matches(&Credentials::new("USE", "PassWord").unwrap()));
    assert!(Credentials::new("toolong", "x").is_none());
    assert!(Credentials::new("user", "12345678901").is_none());
    assert_eq!(format!("{ours:?}"), "user ***");
}

/// Goal: the end of a session comes after the whole stream; a logout is written once, nothing after
/// it, and what the server says until its end is still heard.
#[test]
fn ends_come_after_the_whole_stream() {
    let store = numbered(40);
    let mut client = client(Start::FIRST);
    let mut server = server();
    let mut bytes = log_in(&mut server, &mut client, &store, 0);
    server.end_session();
    for _ in 0..3 {
        let (more, close) = server_poll(&mut server, &store, 0);
        bytes.extend(more);
        if close {
            break;
        }
    }
    assert_eq!(server.state(), ServerState::Ended(EndReason::Local));
    assert_eq!(client.on_bytes(&bytes, Nanos(0)), bytes.len());
    let seen = drain(&mut client);
    assert_eq!(seen.len(), 42);
    assert_eq!(seen[41], Seen::Ended(EndReason::Peer));

    let mut client = super::client(Start::FIRST);
    let bytes = log_in(&mut server, &mut client, &store, 1);
    assert_eq!(client.on_bytes(&bytes, Nanos(1)), bytes.len());
    drain(&mut client);
    let mut out = [0; 8];
    assert_eq!(client.logout(&mut out), 3);
    assert_eq!(out[..3], hex("0001 4f"));
    assert_eq!(client.logout(&mut out), 0);
    assert_eq!(client.poll(HEARTBEAT, &mut [0; 64]), 0, "no heartbeat after the logout");
    assert!(client.is_live());
    assert_eq!(client.on_bytes(&hex("0002 53 41"), Nanos(1)), 4);
    assert_eq!(drain(&mut client).len(), 1, "the last message of the stream");
    assert_eq!(server.on_bytes(&out[..3], Nanos(1)), 3);
    assert!(matches!(server.next_event(), Some(ServerEvent::Ended(EndReason::Peer))));
    assert_eq!(server_poll(&mut server, &store, 1), (vec![], true));
}

/// Goal: work per call is bounded by count and by room, whole packets only, nothing lost.
#[test]
fn a_poll_writes_whole_packets_within_its_bounds() {
    let store = numbered(9);
    for (messages_max, room) in [(1, 4096), (4, 4096), (100, 64), (100, 27)] {
        let mut client = client(Start::FIRST);
        let mut server = server();
        let mut bytes = log_in(&mut server, &mut client, &numbered(0), 0);
        let mut rounds = 0;
        while server.next_seq() < 10 {
            let mut out = vec![0; room];
            let done = server.poll(Nanos(0), &store, messages_max, &mut out);
            assert!(done.bytes > 0 && !done.close);
            bytes.extend_from_slice(&out[..done.bytes]);
            rounds += 1;
        }
        let per_round = messages_max.min(room / 12);
        assert_eq!(rounds, 9_usize.div_ceil(per_round), "{messages_max} {room}");
        assert_eq!(client.on_bytes(&bytes, Nanos(0)), bytes.len());
        assert_eq!(drain(&mut client).len(), 10);
    }
}

/// Goal: a store that no longer has a message ends the connection instead of skipping it.
#[test]
fn a_message_that_is_gone_ends_the_connection() {
    let mut store = numbered(9);
    store.first = 4;
    let mut client = client(Start::FIRST);
    let mut server = server();
    log_in(&mut server, &mut client, &store, 0);
    assert_eq!(server.state(), ServerState::Ended(EndReason::Unsendable));
    assert!(server_poll(&mut server, &store, 0).1);

    let store = Stream { messages: vec![vec![0; PAYLOAD_BYTES_MAX + 1]], first: 0 };
    log_in(&mut server, &mut client, &store, 0);
    assert_eq!(server.state(), ServerState::Ended(EndReason::Unsendable));
}
