//! The guard: a thread of its own that watches gateways' threads while a gate is closed (K5).
//!
//! A gateway cancels what a closing covers by itself. When its thread stands still (a strategy
//! spins on it, the machine holds it), the guard raises the fence, shuts the link down so that a
//! late write fails, logs on anew as the same user, cancels what the gateway had shown as open, and
//! listens for the answers. What is not answered is listed as NOT CONFIRMED: the venue's own cancel
//! on disconnect may have ended it, and is not assumed to. The fence is lowered by an arming,
//! and by the control thread wherever it stands behind open gates.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "cold: a helper thread, which waits, shares its words, and names orders in them"
)]

mod overrun;
mod still;
mod words;

use super::hot::{Phase, PhaseOf};
use super::net::{DialTarget, Watched};
use crate::clock::Clock;
use crate::config::topology::Plan;
use crate::config::{Config, StageId};
use crate::control::utc;
use crate::pin::run_time;
use crate::stage::gateway::{OpenOrder, OpenOrders, is_covered};
use crate::stage::strategy::Held;
use gateway::codec::ouch50::Outbound;
use gateway::ouch::write_cancels;
use gateway::session::soupbintcp::{Client, ClientConfig, ClientEvent, Credentials, Start};
pub use overrun::Overruns;
use shm::atomic::Ordering;
use shm::counters::CounterReader;
use shm::gates::Gates;
use shm::ids::{GatewayId, StrategyId};
use shm::region::{RegionError, RegionReader};
use shm::units::Nanos;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use still::Still;
use words::Done;
pub use words::{Speaker, Words};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(1);
/// Longest wait for a connection.
const DIAL_MAX: Duration = Duration::from_secs(1);
/// Longest wait for the logon and the answers.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Orders named one by one; the rest are counted.
const NAMED_MAX: usize = 20;

/// One gateway under guard.
pub struct Post {
    /// Which.
    pub gateway: GatewayId,
    /// Its name.
    pub name: String,
    /// Where its venue listens.
    pub address: SocketAddr,
    /// Who logs on.
    pub credentials: Credentials,
    /// Its link, and its fence.
    pub watched: Arc<Watched>,
    /// Orders that may live at its venue.
    pub open: Arc<OpenOrders>,
    /// Turns of its thread.
    pub duty: CounterReader,
    /// The kernel's number of its thread.
    pub tid: CounterReader,
    /// Its logons that the venue has taken.
    pub sessions: CounterReader,
    /// The strategies on its thread, and whether they are in a call.
    pub held: Vec<(String, Held)>,
}

/// The posts of every gateway that has a link.
///
/// # Errors
/// [`RegionError`]: the region was made for other threads.
pub(super) fn posts(
    config: &Config,
    plan: &Plan,
    region: &RegionReader,
    targets: &[DialTarget],
    open: &[Arc<OpenOrders>],
    held: &[(StrategyId, Held)],
) -> Result<Vec<Post>, RegionError> {
    let mut posts = Vec::new();
    for target in targets {
        let Some((gateway, credentials)) = target.user else { continue };
        let stage = StageId::Gateway(gateway);
        let thread = plan.threads.iter().find(|row| row.stages.contains(&stage));
        let Some((thread, open)) = thread.zip(open.get(gateway.index())) else { continue };
        let is_here = |id: &StrategyId| thread.stages.contains(&StageId::Strategy(*id));
        let beside = held.iter().filter(|(id, _)| is_here(id));
        let beside =
            beside.map(|(id, held)| (config.stage_name(StageId::Strategy(*id)), Held::clone(held)));
        posts.push(Post {
            gateway,
            name: config.stage_name(stage),
            address: target.address,
            credentials,
            watched: Arc::clone(&target.watched),
            open: Arc::clone(open),
            duty: region.counter(&format!("thread:{}.polls", thread.name))?,
            tid: region.counter(&format!("thread:{}.tid", thread.name))?,
            sessions: region.counter(&format!("{}.sessions", config.stage_name(stage)))?,
            held: beside.collect(),
        });
    }
    Ok(posts)
}

/// What the guard thread owns.
pub struct Guard {
    /// By gateway with a link.
    pub posts: Vec<Post>,
    /// The gates.
    pub gates: Gates,
    /// Engine time.
    pub clock: Clock,
    /// What it is told.
    pub phase: Phase,
    /// Where it says what it has done.
    pub words: Words,
    /// How long strategies hold their threads.
    pub overruns: Overruns,
}

impl Guard {
    /// Watches until told to stop.
    pub fn run(mut self) {
        let mut seen = vec![Still::default(); self.posts.len()];
        while !self.phase.is(PhaseOf::Stop) {
            std::thread::sleep(LOOK);
            let now = self.clock.now();
            self.overruns.look(now, &self.gates, &self.words);
            let some_closed = self.gates.summary().some_closed();
            for (post, still) in self.posts.iter().zip(&mut seen) {
                let (turns, ran) = (post.duty.get(), || run_time(post.tid.get()));
                if !some_closed {
                    still.forget(turns, now);
                } else if still.look(turns, now, ran) {
                    self.take_over(post, still);
                }
            }
        }
    }

    /// The thread stands still: whatever of its orders is covered by a closed gate is cancelled
    /// from here, once until the fence is lowered.
    fn take_over(&self, post: &Post, still: &Still) {
        // ORDERING: Relaxed, both; a lone flag, and the link is shut by a system call after it.
        if post.watched.fence.load(Ordering::Relaxed) != 0 {
            return;
        }
        let orders = self.covered(post);
        if orders.is_empty() {
            return;
        }
        // ORDERING: Relaxed; as above.
        post.watched.fence.store(1, Ordering::Relaxed);
        if !self.gates.summary().some_closed() {
            // Armed meanwhile.
            // ORDERING: Relaxed; as above.
            post.watched.fence.store(0, Ordering::Relaxed);
            return;
        }
        post.watched.shut(post.sessions.get());
        let now = self.clock.now();
        let still =
            format!("at {} its thread had stood still {}", utc(now), still.words(post, now));
        // What it may have shown between the look and the fence.
        let asked = self.covered(post);
        let (left, why) = match cancel(post, &asked) {
            Ok(left) => (left, String::new()),
            Err(why) => (asked.iter().collect(), format!(" ({why})")),
        };
        let text = words(&post.name, &still, asked.len(), &left, &why);
        let is_gone = |order: &&OpenOrder| !left.contains(order);
        let confirmed = asked.iter().filter(is_gone).copied().collect();
        self.words.say(Done { gateway: post.gateway, text, asked, confirmed });
    }

    /// Its orders behind closed gates, but for those that the venue has confirmed to the guard:
    /// those are gone, and the gateway has only not read it yet.
    fn covered(&self, post: &Post) -> Vec<OpenOrder> {
        let open = post.open.iter();
        let covered = open.filter(|order| {
            is_covered(&self.gates, order, post.gateway)
                && !self.words.is_confirmed(post.gateway, order)
        });
        covered.collect()
    }
}

fn words(name: &str, still: &str, asked: usize, left: &[&OpenOrder], why: &str) -> String {
    let done = asked - left.len();
    let mut text = format!(
        "gateway {name}: {still}, behind a closed gate; its link was shut, {done} of {asked} orders \
         cancelled by another logon and confirmed{why}; `wirelane arm` lets it log on again"
    );
    if !left.is_empty() {
        let named: Vec<String> =
            left.iter().take(NAMED_MAX).map(|order| order.id.to_string()).collect();
        text.push_str(&format!("; NOT CONFIRMED: {}", named.join(" ")));
        if left.len() > NAMED_MAX {
            text.push_str(&format!(" and {} more", left.len() - NAMED_MAX));
        }
    }
    text
}

/// Logs on anew and cancels; the orders of which the venue did not say that they are gone.
fn cancel<'a>(post: &Post, orders: &'a [OpenOrder]) -> Result<Vec<&'a OpenOrder>, String> {
    let mut stream = TcpStream::connect_timeout(&post.address, DIAL_MAX)
        .map_err(|error| format!("no connection: {error}"))?;
    let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(LOOK)));
    set.map_err(|error| format!("no connection: {error}"))?;
    let mut client = Client::new(ClientConfig::new(post.credentials, Start::LIVE));
    // The session's time is only that of its heartbeats: none falls due in so short a life.
    client.on_connect(Nanos(0));
    let until = Instant::now() + ANSWER_MAX;
    let mut left: Vec<&OpenOrder> = orders.iter().collect();
    let mut out = [0; 64];
    let login = client.poll(Nanos(0), &mut out);
    send(&mut stream, out.get(..login).unwrap_or_default())?;
    while Instant::now() < until && !left.is_empty() {
        let read = match stream.read(client.read_space()) {
            Ok(0) => return Err("the venue closed the connection".to_owned()),
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(error) => return Err(error.to_string()),
        };
        client.on_read(read, Nanos(0));
        let mut is_in = false;
        while let Some(event) = client.next_event() {
            match event {
                ClientEvent::Login { .. } => is_in = true,
                ClientEvent::Message { payload, .. } => confirm(payload, &mut left),
                ClientEvent::Ended(why) => return Err(format!("the logon ended: {why:?}")),
                ClientEvent::Debug(_) | ClientEvent::Heartbeat => {}
            }
        }
        if is_in {
            send(&mut stream, &cancels(orders))?;
        }
    }
    let logout = client.logout(&mut out);
    // The next logon of the same user ends this one as well.
    let _ = send(&mut stream, out.get(..logout).unwrap_or_default());
    Ok(left)
}

fn send(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), String> {
    stream.write_all(bytes).map_err(|error| error.to_string())
}

fn cancels(orders: &[OpenOrder]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for order in orders {
        let mut out = [0; 64];
        let len = write_cancels(order.urns, &mut out).unwrap_or(0);
        bytes.extend_from_slice(out.get(..len).unwrap_or_default());
    }
    bytes
}

/// Takes an order off the list when the venue says that nothing of it is left.
fn confirm(payload: &[u8], left: &mut Vec<&OpenOrder>) {
    let (urn, is_rejected) = match Outbound::decode(payload) {
        Ok(Outbound::Canceled(view)) => (view.fields.user_ref_num.get(), false),
        Ok(Outbound::AiqCanceled(view)) => (view.fields.user_ref_num.get(), false),
        Ok(Outbound::Rejected(view)) => (view.fields.user_ref_num.get(), true),
        _ => return,
    };
    left.retain(|order| {
        let [live, sent] = order.urns;
        // A replace that was refused leaves the order that it was to replace.
        let is_gone = urn == live || urn == sent && (live == 0 || !is_rejected);
        !is_gone
    });
}

#[cfg(test)]
mod tests;
