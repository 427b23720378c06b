//! Flavours of captures, what is skipped, damage.

use super::*;

/// An IPv4 packet around a transport header and payload.
fn ip(protocol: u8, body: &[u8]) -> Vec<u8> {
    let total = (20 + body.len()) as u16;
    let mut bytes = vec![0x45, 0];
    bytes.extend(total.to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 239, 1, 2, 3]);
    bytes.extend(body);
    bytes
}

fn udp_body(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x10, 0x00, 0x20, 0x00];
    bytes.extend((payload.len() as u16 + 8).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

fn tcp_body(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x10, 0x00, 0x20, 0x00, 0, 0, 0, 7, 0, 0, 0, 0, 0x60];
    bytes.extend([0; 11]);
    bytes.extend(payload);
    bytes
}

fn file(magic: [u8; 4], link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let big = magic[0] == 0xA1;
    let number = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut bytes = magic.to_vec();
    bytes.extend([0; 16]);
    bytes.extend(number(link));
    for packet in packets {
        let length = number(packet.len() as u32);
        bytes.extend([number(5), number(9), length, length].concat());
        bytes.extend(packet);
    }
    bytes
}

fn ethernet(tags: usize, ip: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 12];
    for _ in 0..tags {
        bytes.extend([0x81, 0, 0, 5]);
    }
    bytes.extend([8, 0]);
    bytes.extend(ip);
    bytes
}

/// Goal: each byte order, time unit and link layer gives the payload, its ports and its time.
#[test]
fn every_flavour_gives_the_payload() {
    let udp = ip(17, &udp_body(b"hello"));
    let cooked = [&[0; 14][..], &[8, 0], &udp].concat();
    let links: [(u32, Vec<u8>); 6] = [
        (1, ethernet(0, &udp)),
        (1, ethernet(2, &udp)),
        (101, udp.clone()),
        (228, udp.clone()),
        (12, udp.clone()),
        (113, cooked),
    ];
    let magics = [
        ([0xA1, 0xB2, 0xC3, 0xD4], 9_000),
        ([0xD4, 0xC3, 0xB2, 0xA1], 9_000),
        ([0xA1, 0xB2, 0x3C, 0x4D], 9),
        ([0x4D, 0x3C, 0xB2, 0xA1], 9),
    ];
    for (magic, fraction) in magics {
        for (link, packet) in &links {
            let bytes = file(magic, *link, &[packet.clone(), packet.clone()]);
            let mut reader = PcapReader::new(&bytes[..]).unwrap();
            for _ in 0..2 {
                let captured = reader.next().unwrap().unwrap();
                assert_eq!(captured.payload, b"hello");
                assert_eq!(captured.at, Nanos(5_000_000_000 + fraction));
                assert_eq!(captured.carrier, Carrier::Udp);
                assert_eq!(captured.destination.to_string(), "239.1.2.3:8192");
            }
            assert!(reader.next().unwrap().is_none());
            assert_eq!(reader.skipped(), &Skipped::default());
        }
    }
}

/// Goal: Ethernet padding is cut off, TCP options are stepped over, the rest is skipped by its
/// name.
#[test]
fn padding_goes_and_the_rest_is_counted() {
    let mut padded = ethernet(0, &ip(17, &udp_body(b"x")));
    padded.extend([0xEE; 20]);
    let tcp = ethernet(0, &ip(6, &tcp_body(b"stream")));
    let mut fragment = ip(17, &udp_body(b"x"));
    fragment[6] = 0x20;
    let mut cut = ethernet(0, &ip(17, &udp_body(b"0123456789")));
    cut.truncate(cut.len() - 4);
    let packets = [
        padded,
        tcp,
        ethernet(0, &fragment),
        ethernet(0, &ip(1, b"ping....")),
        vec![0; 60],
        ethernet(0, &ip(17, b"short")),
        cut,
    ];
    let bytes = file([0xD4, 0xC3, 0xB2, 0xA1], 1, &packets);
    let mut reader = PcapReader::new(&bytes[..]).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().payload, b"x");
    let captured = reader.next().unwrap().unwrap();
    assert_eq!((captured.payload, captured.carrier), (&b"stream"[..], Carrier::Tcp { seq: 7 }));
    assert_eq!(reader.next().unwrap().unwrap().payload, b"012345");
    assert!(reader.next().unwrap().is_none());
    let skipped = Skipped { not_ipv4: 1, other_protocol: 1, fragments: 1, malformed: 1, cut: 1 };
    assert_eq!(reader.skipped(), &skipped);
}

/// Goal: no cut and no damaged byte panics; a cut inside a record is told.
#[test]
fn damage_never_panics_and_a_cut_is_told() {
    let packets = [ethernet(1, &ip(17, &udp_body(b"hello"))), ethernet(0, &ip(6, &tcp_body(b"a")))];
    let bytes = file([0xD4, 0xC3, 0xB2, 0xA1], 1, &packets);
    for cut in 0..bytes.len() {
        match PcapReader::new(&bytes[..cut]) {
            Err(error) => assert!(cut < 24, "{error}"),
            Ok(mut reader) => {
                let end = loop {
                    match reader.next() {
                        Ok(Some(_)) => {}
                        Ok(None) => break None,
                        Err(error) => break Some(error),
                    }
                };
                let whole = cut == 24 || cut == 24 + 16 + packets[0].len();
                assert_eq!(end.is_none(), whole, "cut {cut} {end:?}");
            }
        }
    }
    for at in 0..bytes.len() {
        for value in [0, 1, 0x45, 0x7F, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            if let Ok(mut reader) = PcapReader::new(&damaged[..]) {
                while let Ok(Some(_)) = reader.next() {}
            }
        }
    }
}
