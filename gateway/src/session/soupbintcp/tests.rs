//! Vectors, faults, and byte streams split at every place.

use super::*;
use proptest::prelude::*;

mod roles;

/// Turns spaced hex into bytes.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter_map(|byte| (byte as char).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A stream in memory, forgetting everything below `first`.
#[derive(Default)]
struct Stream {
    messages: Vec<Vec<u8>>,
    first: u64,
}

impl SequencedStore for Stream {
    fn next_seq(&self) -> u64 {
        self.messages.len() as u64 + 1
    }
    fn message(&self, seq: u64) -> Option<&[u8]> {
        if seq < self.first {
            return None;
        }
        self.messages.get(usize::try_from(seq.checked_sub(1)?).ok()?).map(Vec::as_slice)
    }
}

fn numbered(count: usize) -> Stream {
    let messages = (1..=count).map(|number| format!("message {number}").into_bytes()).collect();
    Stream { messages, first: 0 }
}

const SECOND: u64 = Nanos::SECOND.0;

fn credentials() -> Credentials {
    Credentials::new("user", "password").unwrap()
}

fn client(start: Start) -> Client {
    Client::new(ClientConfig::new(credentials(), start))
}

fn session() -> SessionName {
    SessionName::new("S1").unwrap()
}

fn server() -> Server {
    Server::new(ServerConfig::new(session()))
}

fn client_poll(client: &mut Client, now: u64) -> Vec<u8> {
    let mut out = [0; 256];
    let len = client.poll(Nanos(now), &mut out);
    out[..len].to_vec()
}

/// What a client saw, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Login { next_seq: u64, is_new_session: bool, is_gap: bool },
    Message(u64, Vec<u8>),
    Other,
    Ended(EndReason),
}

fn drain(client: &mut Client) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(event) = client.next_event() {
        seen.push(match event {
            ClientEvent::Login { next_seq, is_new_session, is_gap, .. } => {
                Seen::Login { next_seq, is_new_session, is_gap }
            }
            ClientEvent::Message { seq, payload } => Seen::Message(seq, payload.to_vec()),
            ClientEvent::Debug(_) | ClientEvent::Heartbeat => Seen::Other,
            ClientEvent::Ended(reason) => Seen::Ended(reason),
        });
    }
    seen
}

/// A client that has sent its login.
fn connected(start: Start) -> Client {
    let mut client = client(start);
    client.on_connect(Nanos(0));
    assert_eq!(client_poll(&mut client, 0).len(), 49);
    client
}

/// Bytes of a login answer.
fn accepted(name: &str, next_seq: u64) -> Vec<u8> {
    let payload = format!("{name:>10}{next_seq:>20}");
    let mut out = [0; 64];
    let len = packet(kind::LOGIN_ACCEPTED, payload.as_bytes(), &mut out).unwrap();
    out[..len].to_vec()
}

/// A server with this client logged in by its own request; returns the bytes it answered.
fn log_in(server: &mut Server, client: &mut Client, store: &Stream, now: u64) -> Vec<u8> {
    server.on_connect(Nanos(now));
    client.on_connect(Nanos(now));
    let login = client_poll(client, now);
    assert_eq!(server.on_bytes(&login, Nanos(now)), login.len());
    let Some(ServerEvent::Login(request)) = server.next_event() else { panic!("no login") };
    assert!(server.next_event().is_none(), "nothing is taken before the answer");
    assert!(request.credentials.matches(&credentials()));
    assert!(server.accept(&request, store.next_seq()));
    server_poll(server, store, now).0
}

fn server_poll(server: &mut Server, store: &Stream, now: u64) -> (Vec<u8>, bool) {
    let mut out = vec![0; 4096];
    let done = server.poll(Nanos(now), store, 16, &mut out);
    out.truncate(done.bytes);
    (out, done.close)
}

/// Goal: the packets of the sheet, real and derived, are ours byte for byte.
#[test]
fn packets_equal_the_sheets_vectors() {
    let mut client = client(Start::LIVE);
    client.on_connect(Nanos(0));
    let login = hex("002f 4c 757365722020 70617373776f72642020 20202020202020202020 \
         2020202020202020202020202020202020202030");
    assert_eq!(client_poll(&mut client, 0), login);
    let answer = hex("001f 41 31363839313932313231 2020202020202020202020202020202020313335");
    assert_eq!(client.on_bytes(&answer, Nanos(1)), answer.len());
    assert_eq!(
        client.next_event(),
        Some(ClientEvent::Login {
            session: SessionName(*b"1689192121"),
            next_seq: 135,
            is_new_session: false,
            is_gap: false,
        })
    );
    assert_eq!(client_poll(&mut client, SECOND), hex("0001 52"));
    let canceled = hex("0013 53 43 0000289b4d681317 00753a8d 00000028 55");
    assert_eq!(client.on_bytes(&canceled, Nanos(1)), canceled.len());
    assert_eq!(
        client.next_event(),
        Some(ClientEvent::Message { seq: 135, payload: &canceled[3..] })
    );
    assert_eq!(client.on_bytes(&hex("0001 48 0001 5a"), Nanos(1)), 6);
    assert_eq!(client.next_event(), Some(ClientEvent::Heartbeat));
    assert_eq!(client.next_event(), Some(ClientEvent::Ended(EndReason::Peer)));

    let mut out = hex("ffff ff 58 00752e71 00000000");
    assert_eq!(frame(kind::UNSEQUENCED, 9, &mut out), Some(12));
    assert_eq!(out, hex("000a 55 58 00752e71 00000000"));

    let mut server = Server::new(ServerConfig::new(SessionName(*b"1689192121")));
    server.on_connect(Nanos(0));
    assert_eq!(server.on_bytes(&login, Nanos(0)), login.len());
    let Some(ServerEvent::Login(request)) = server.next_event() else { panic!("no login") };
    assert!(server.accept(&request, 135));
    assert_eq!(server_poll(&mut server, &numbered(134), 0).0, answer);
}

/// Goal: lengths are bounded at both ends. Method: the longest payload, and one over.
#[test]
fn framing_stops_at_the_longest_packet() {
    let mut out = vec![0; PACKET_BYTES_MAX + 1];
    assert_eq!(frame(kind::SEQUENCED, PAYLOAD_BYTES_MAX, &mut out), Some(PACKET_BYTES_MAX));
    assert_eq!(out[..3], [0xFF, 0xFF, b'S']);
    assert_eq!(frame(kind::SEQUENCED, PAYLOAD_BYTES_MAX + 1, &mut out), None);
    assert_eq!(frame(kind::SEQUENCED, usize::MAX, &mut out), None);
    assert_eq!(frame(kind::SEQUENCED, 8, &mut out[..10]), None);
    assert_eq!(frame(kind::SEQUENCED, 0, &mut out[..3]), Some(3));

    let mut client = connected(Start::FIRST);
    let longest = [vec![0xFF, 0xFF, b'S'], vec![7; PAYLOAD_BYTES_MAX]].concat();
    let bytes = [accepted("S1", 1), longest.clone(), longest].concat();
    let taken = client.on_bytes(&bytes, Nanos(1));
    let mut seen = drain(&mut client);
    assert_eq!(client.on_bytes(&bytes[taken..], Nanos(1)), bytes.len() - taken);
    seen.extend(drain(&mut client));
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2], Seen::Message(2, vec![7; PAYLOAD_BYTES_MAX]));
}

/// Goal: a buffer made smaller than the protocol's longest packet says so instead of waiting
/// forever.
#[test]
fn a_packet_over_the_buffer_ends_the_session() {
    let config =
        ClientConfig { buffer_bytes: 64, ..ClientConfig::new(credentials(), Start::FIRST) };
    let mut client = Client::new(config);
    client.on_connect(Nanos(0));
    client_poll(&mut client, 0);
    let bytes = [accepted("S1", 1), vec![0, 63, b'S']].concat();
    assert_eq!(client.on_bytes(&bytes, Nanos(0)), bytes.len());
    let seen = drain(&mut client);
    assert_eq!(seen[1], Seen::Ended(EndReason::Protocol(SoupError::TooLong)));
    assert_eq!(client.state(), ClientState::Ended(EndReason::Protocol(SoupError::TooLong)));
}

/// Goal: what TCP splits or joins makes no difference. Method: one stream, cut in two at every
/// byte, and fed byte by byte.
#[test]
fn split_and_joined_reads_give_the_same_events() {
    let mut bytes = accepted("S1", 1);
    for text in [&b""[..], b"x", b"two words", &[0; 300]] {
        let mut out = vec![0; 400];
        let len = packet(kind::SEQUENCED, text, &mut out).unwrap();
        bytes.extend_from_slice(&out[..len]);
        bytes.extend_from_slice(&hex("0001 48 0004 2b 61 62 63"));
    }
    let whole = {
        let mut client = connected(Start::FIRST);
        assert_eq!(client.on_bytes(&bytes, Nanos(1)), bytes.len());
        drain(&mut client)
    };
    assert_eq!(whole.len(), 13);
    assert_eq!(whole[10], Seen::Message(4, vec![0; 300]));
    for cut in 0..=bytes.len() {
        let mut client = connected(Start::FIRST);
        let mut seen = Vec::new();
        for part in [&bytes[..cut], &bytes[cut..]] {
            assert_eq!(client.on_bytes(part, Nanos(1)), part.len());
            seen.extend(drain(&mut client));
        }
        assert_eq!(seen, whole, "cut at {cut}");
    }
    let mut client = connected(Start::FIRST);
    let mut seen = Vec::new();
    for byte in &bytes {
        client.read_space()[0] = *byte;
        client.on_read(1, Nanos(1));
        seen.extend(drain(&mut client));
    }
    assert_eq!(seen, whole);
}

/// Goal: only the types of a direction, in their state, with their length, are taken. Method: every
/// type byte with payloads of 0, 1 and 46 bytes, before and after the login, for both roles.
#[test]
fn wrong_direction_state_or_length_ends_the_session() {
    let from_server = b"+AJSHZ";
    let from_client = b"+LURO";
    for kind_byte in 0..=u8::MAX {
        for payload in [&b""[..], b"x", &[b' '; 46]] {
            let mut out = [0; 64];
            let len = packet(kind_byte, payload, &mut out).unwrap();
            let bytes = &out[..len];
            for live in [false, true] {
                let mut client = connected(Start::FIRST);
                if live {
                    assert_eq!(client.on_bytes(&accepted("S1", 1), Nanos(0)), 33);
                    drain(&mut client);
                }
                assert_eq!(client.on_bytes(bytes, Nanos(0)), len);
                let expected = match (kind_byte, live, payload.len()) {
                    (kind, ..) if !from_server.contains(&kind) => Some(SoupError::WrongType),
                    (b'+', ..) | (b'S', true, _) => None,
                    (b'H' | b'Z', true, 0) | (b'J', false, 1) => None,
                    (b'H' | b'Z', true, _) | (b'A' | b'J', false, _) => Some(SoupError::BadPayload),
                    _ => Some(SoupError::WrongState),
                };
                let fault = match drain(&mut client).as_slice() {
                    [Seen::Ended(EndReason::Protocol(error))] => Some(*error),
                    [_] => None,
                    seen => panic!("{seen:?}"),
                };
                assert_eq!(fault, expected, "client {kind_byte} live {live} {}", payload.len());

                let mut server = server();
                server.on_connect(Nanos(0));
                if live {
                    let mut peer = super::tests::client(Start::FIRST);
                    log_in(&mut server, &mut peer, &numbered(0), 0);
                }
                assert_eq!(server.on_bytes(bytes, Nanos(0)), len);
                let expected = match (kind_byte, live, payload.len()) {
                    (kind, ..) if !from_client.contains(&kind) => Some(SoupError::WrongType),
                    (b'+', ..) | (b'U', true, _) | (b'R' | b'O', true, 0) => None,
                    (b'L', false, 46) => None,
                    (b'R' | b'O', true, _) | (b'L', false, _) => Some(SoupError::BadPayload),
                    _ => Some(SoupError::WrongState),
                };
                let fault = match server.next_event() {
                    Some(ServerEvent::Ended(EndReason::Protocol(error))) => Some(error),
                    Some(_) => None,
                    None => panic!("no event"),
                };
                assert_eq!(fault, expected, "server {kind_byte} live {live} {}", payload.len());
            }
        }
    }
}

/// Goal: a length of zero ends either side, and nothing after it is read.
#[test]
fn zero_length_ends_the_session() {
    let mut client = connected(Start::FIRST);
    let bytes = [accepted("S1", 1), hex("0000 0001 48")].concat();
    assert_eq!(client.on_bytes(&bytes, Nanos(0)), bytes.len());
    let seen = drain(&mut client);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1], Seen::Ended(EndReason::Protocol(SoupError::ZeroLength)));

    let mut server = server();
    server.on_connect(Nanos(0));
    assert_eq!(server.on_bytes(&hex("0000"), Nanos(0)), 2);
    assert!(matches!(
        server.next_event(),
        Some(ServerEvent::Ended(EndReason::Protocol(SoupError::ZeroLength)))
    ));
    assert!(server_poll(&mut server, &numbered(0), 0).1, "the server closes");
}

/// Goal: bad digits in a login or its answer are refused, not read as some number.
#[test]
fn sequence_numbers_are_digits_or_nothing() {
    for bad in ["1x", "-1", "1 2", "18446744073709551616"] {
        let mut client = connected(Start::FIRST);
        let mut out = [0; 64];
        let payload = format!("{:>10}{bad:>20}", "S1");
        let len = packet(kind::LOGIN_ACCEPTED, payload.as_bytes(), &mut out).unwrap();
        assert_eq!(client.on_bytes(&out[..len], Nanos(0)), len);
        assert_eq!(
            drain(&mut client),
            [Seen::Ended(EndReason::Protocol(SoupError::BadPayload))],
            "{bad}"
        );
        let mut request = [b' '; 46];
        request[46 - bad.len()..].copy_from_slice(bad.as_bytes());
        assert!(LoginRequest::decode(&request).is_none(), "{bad}");
    }
    let mut client = connected(Start::FIRST);
    assert_eq!(client.on_bytes(&accepted("S1", u64::MAX), Nanos(0)), 33);
    assert!(matches!(drain(&mut client)[..], [Seen::Login { next_seq: u64::MAX, .. }]));
}

/// Goal: a request of version 4, with its heartbeat field, is taken too.
#[test]
fn a_longer_login_is_taken_by_the_server() {
    let request = LoginRequest { credentials: credentials(), start: Start::FIRST };
    let longer = [&request.encode()[..], b" 1000"].concat();
    assert_eq!(LoginRequest::decode(&longer).map(|read| read.start), Some(Start::FIRST));
    assert!(LoginRequest::decode(&longer[..45]).is_none());
}

/// Goal: a full buffer takes no byte it has no room for, and goes on once packets are taken.
#[test]
fn a_full_buffer_refuses_what_it_cannot_hold() {
    let mut buffer = ReadBuffer::new(64);
    let heartbeats = hex("0001 48").repeat(30);
    assert_eq!(buffer.push(&heartbeats), 64);
    assert_eq!(buffer.push(&heartbeats), 0);
    assert!(buffer.space().is_empty());
    let mut taken = 0;
    while let Ok(Some(_)) = buffer.next_packet() {
        taken += 1;
    }
    assert_eq!((taken, buffer.len()), (21, 1));
    assert_eq!(buffer.push(&heartbeats[64..]), 26);
    while let Ok(Some(packet)) = buffer.next_packet() {
        assert_eq!(packet, Packet { kind: b'H', payload: &[] });
        taken += 1;
    }
    assert_eq!((taken, buffer.is_empty()), (30, true));
}

proptest! {
    /// Goal: no bytes panic either role, and splitting never changes what is seen. Method: random
    /// bytes made of mostly valid packets, fed whole and in random parts to a small buffer.
    #[test]
    fn any_bytes_in_any_parts_give_the_same_events(
        packets in proptest::collection::vec(
            (prop_oneof![9 => Just(b'S'), 2 => Just(b'H'), 1 => any::<u8>()],
             proptest::collection::vec(any::<u8>(), 0..40)), 0..30),
        noise in proptest::collection::vec(any::<u8>(), 0..8),
        parts in proptest::collection::vec(1_usize..90, 1..60),
    ) {
        let mut bytes = accepted("S1", 1);
        for (kind_byte, payload) in packets {
            let payload = if kind_byte == b'H' { &[][..] } else { &payload };
            let mut out = [0; 64];
            let len = packet(kind_byte, payload, &mut out).unwrap();
            bytes.extend_from_slice(&out[..len]);
        }
        bytes.extend(noise);
        let mut whole = connected(Start::FIRST);
        prop_assert_eq!(whole.on_bytes(&bytes, Nanos(0)), bytes.len());
        let expected = drain(&mut whole);

        let config = ClientConfig {
            buffer_bytes: 96, ..ClientConfig::new(credentials(), Start::FIRST)
        };
        let mut small = Client::new(config);
        small.on_connect(Nanos(0));
        client_poll(&mut small, 0);
        let mut seen = Vec::new();
        let mut rest = bytes.as_slice();
        for part in parts.iter().cycle() {
            if rest.is_empty() || matches!(small.state(), ClientState::Ended(_)) {
                break;
            }
            let taken = small.on_bytes(&rest[..rest.len().min(*part)], Nanos(0));
            rest = &rest[taken..];
            seen.extend(drain(&mut small));
        }
        let too_long = Some(&Seen::Ended(EndReason::Protocol(SoupError::TooLong)));
        if seen.last() == too_long {
            seen.pop();
            prop_assert!(expected.starts_with(&seen));
        } else {
            prop_assert_eq!(seen, expected);
        }

        let mut server = server();
        server.on_connect(Nanos(0));
        prop_assert_eq!(server.on_bytes(&bytes, Nanos(0)), bytes.len());
        while server.next_event().is_some() {}
    }
}
