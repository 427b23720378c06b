//! The end of a session by our own wish: what is queued goes out, then the logout; then our side of
//! the link is closed and what the venue still says is read, up to its own end. A link that is
//! dropped with bytes unread is reset, and the venue would lose what it has not read itself.
//!
//! How long that may take is for whoever asked to say: the control thread waits until the links are
//! closed, for a time.

use super::{GatewayStage, Turn};
use gateway::link::SendResult;

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nobody asked.
    No,
    /// Asked; messages may still wait.
    Asked,
    /// Nothing more is sent; the venue is read to its end.
    Listening,
}

impl GatewayStage {
    /// Asks for the end of the session; no link is dialed any more.
    pub fn begin_leave(&mut self) {
        if self.leaving == Leaving::No {
            self.leaving = Leaving::Asked;
        }
    }

    /// Logs out once nothing waits to be sent.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>) {
        if self.leaving != Leaving::Asked {
            return;
        }
        // Of a session that is not up nothing will be sent: what waits for it stays with risk.
        let waits = self.ready && (!self.batch.is_empty() || self.queue.peek(true).is_some());
        let Some(link) = self.link.as_mut().filter(|_| !waits) else { return };
        if link.link().has_pending() {
            return;
        }
        let mut out = [0; 8];
        let len = self.session.logout(&mut out);
        let bytes = out.get(..len).unwrap_or_default();
        match link.link().send(bytes) {
            SendResult::All => {
                link.link().finish();
                self.leaving = Leaving::Listening;
            }
            // The rest of it goes out first; then the logout is not written again.
            SendResult::Partial(_) => {}
            SendResult::WouldBlock | SendResult::TooLong => {
                // The session counts it as written: the end of our side says the same.
                link.link().finish();
                self.leaving = Leaving::Listening;
            }
            SendResult::Closed(_) => self.close(turn.now, turn),
        }
    }
}
