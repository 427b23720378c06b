use super::*;
use crate::risk::Mode;
use shm::message::FeedState;

impl Rig {
    fn lines(&self) -> Vec<String> {
        self.control.vitals.lines(|_| false)
    }

    /// Opens what was closed.
    fn gates_open(&mut self) {
        let scope = Scope::Strategy(StrategyId(1));
        let judged = self.control.gates.judge(scope).unwrap();
        assert!(self.control.gates.try_open(&judged).is_ok());
    }

    #[track_caller]
    fn says(&self, line: &str) {
        let lines = self.lines();
        assert!(lines.iter().any(|known| known == line), "{line:?} is not in {lines:#?}");
    }
}

/// Goal: every state of a session, feed, strategy and of the engine has its own words. Method: each
/// counter at each value.
#[test]
fn every_state_has_its_words() {
    let rig = Rig::new("");
    for mode in [Mode::Active, Mode::ReduceOnly, Mode::CancelOnly, Mode::Halted] {
        rig.set("risk.mode", mode as u64);
        rig.says(&format!("mode: {}", mode.name()));
    }
    rig.says("session ouch: down: no connection");
    rig.set("gateway:ouch.link_open", 1);
    rig.says("session ouch: connected, not reconciled yet");
    rig.set("gateway:ouch.session_up", 1);
    rig.says("session ouch: up");
    rig.set("gateway:ouch.session_broken", 1);
    let broken = rig.lines().into_iter().find(|line| line.starts_with("session ouch")).unwrap();
    assert!(broken.contains("NOT RECONCILED") && broken.contains("nothing is sent"), "{broken}");
    let address = "feed.itch.a = 127.0.0.1:26400";
    rig.says(&format!("feed itch: no packet yet ({address})"));
    for (state, words) in [
        (FeedState::Live, "live"),
        (FeedState::Stale, "STALE: it has not been whole yet"),
        (FeedState::Ended, "ended by the venue"),
    ] {
        rig.set("feed:itch.state", state as u64);
        rig.says(&format!("feed itch: {words}"));
    }
    rig.says("strategies: mm disabled, take disabled, probe disabled");
    rig.set("strategy:take.enabled", 1);
    rig.says("strategies: mm disabled, take enabled, probe disabled");
}

/// Goal: what keeps a feed's orders from leaving is said once. Method: a feed that is silent, and
/// one that is live.
#[test]
fn a_feed_that_is_not_live_is_told_once() {
    let mut rig = Rig::new("");
    let lines = |rig: &mut Rig| {
        let text = rig.ask(&Request::Status).unwrap().text;
        text.lines().filter(|line| line.contains("feed itch:")).count()
    };
    assert_eq!(lines(&mut rig), 1);
    rig.set("feed:itch.state", FeedState::Live as u64);
    assert_eq!(lines(&mut rig), 1);
}

/// Goal: the journal's state is told with how far behind it is, and a failure with what to do.
/// Method: a lag, a failed disk without and with its words.
#[test]
fn the_journal_is_sound_or_says_what_failed() {
    let rig = Rig::new("");
    rig.set("archive.lag", 12_340_000);
    rig.says("journal: sound, 12.3 ms behind");
    assert_eq!(rig.control.vitals.trouble(), None);
    rig.set("archive.failed", 1);
    let why = |words: &str| {
        format!(
            "journal: FAILED: {words}: no order is approved any more; stop, mend the disk, start again"
        )
    };
    rig.says(&why("the disk cannot be written"));
    rig.trouble.set("no space left".to_owned()).unwrap();
    rig.says(&why("no space left"));
    assert_eq!(rig.control.vitals.trouble(), Some("no space left"));
}

/// Goal: what calls for a person is an alarm with its number, and nothing is one without cause.
/// Method: none, then each.
#[test]
fn alarms_are_told_with_their_numbers() {
    let rig = Rig::new("");
    let alarms = |rig: &Rig| rig.lines().into_iter().filter(|line| line.starts_with("ALARM"));
    assert_eq!(alarms(&rig).count(), 0);
    rig.set("gateway:ouch.unapproved", 2);
    rig.set("risk.contradictions", 3);
    let alarms: Vec<String> = alarms(&rig).collect();
    assert!(alarms[0].contains("gateway ouch was given 2 orders that nobody approved"));
    assert!(alarms[1].contains("3 reports contradicted others"), "{alarms:?}");
    assert!(alarms[1].contains("wirelane release VENUE/SYMBOL"));
}

/// Goal: a status begins with gates and working orders, and names the limits in force. Method: a
/// closed gate, one working order.
#[test]
fn a_status_names_gates_orders_and_limits() {
    let mut rig = Rig::new("");
    rig.set("risk.working", 1);
    let text = rig.ask(&Request::Status).unwrap().text;
    assert!(text.starts_with("armed, but orders are refused; 1 order working\n"), "{text}");
    assert!(text.contains("REFUSED: no venue session: gateway ouch"), "{text}");
    assert!(text.contains("limits: version 1, of the configuration at the start"), "{text}");
    rig.gates.close(Scope::Strategy(StrategyId(1)), Trigger::Operator);
    let text = rig.ask(&Request::Status).unwrap().text;
    assert!(text.starts_with("closed: strategy:mm; 1 order working\n"), "{text}");
    rig.gates_open();
    rig.set("gateway:ouch.session_up", 1);
    rig.set("feed:itch.state", FeedState::Live as u64);
    let text = rig.ask(&Request::Status).unwrap().text;
    assert!(text.starts_with("armed; 1 order working\n"), "{text}");
}
