//! The feed's two lines, passed on until they are cut.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Both lines; they end when dropped.
pub(crate) struct Relay {
    heads: [SocketAddr; 2],
    tails: [SocketAddr; 2],
    is_cut: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Relay {
    /// Two lines that pass everything on.
    pub(crate) fn new() -> Self {
        let (is_cut, stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let line = |_| {
            let head = UdpSocket::bind("127.0.0.1:0").unwrap();
            // A port that was free a moment ago: the engine binds it.
            let tail = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let at = (head.local_addr().unwrap(), tail);
            head.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let (is_cut, stop) = (Arc::clone(&is_cut), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut bytes = [0; 65_536];
                while !stop.load(Ordering::Relaxed) {
                    let Ok(count) = head.recv(&mut bytes) else { continue };
                    if !is_cut.load(Ordering::Relaxed) {
                        // Nobody may listen yet, or any more.
                        let _ = head.send_to(&bytes[..count], tail);
                    }
                }
            });
            at
        };
        let [(head_a, tail_a), (head_b, tail_b)] = [0, 1].map(line);
        Self { heads: [head_a, head_b], tails: [tail_a, tail_b], is_cut, stop }
    }

    /// Where the exchange sends.
    pub(crate) fn heads(&self) -> [SocketAddr; 2] {
        self.heads
    }

    /// Where the engine listens.
    pub(crate) fn tails(&self) -> [SocketAddr; 2] {
        self.tails
    }

    /// Cuts both lines, or mends them.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
