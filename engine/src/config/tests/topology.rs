//! Placement on made-up machines.

use std::path::PathBuf;

use shm::ids::{FeedId, GatewayId, StrategyId};

use super::super::links::Edge;
use super::super::machine::Machine;
use super::super::model::{Full, Ring};
use super::super::topology::{DegradeCode, Placement, Plan, plan};
use super::super::{FaultKind, Loaded, Report, Sources, StageId};
use super::GOOD;
use crate::wait::Wait;

const TUNED: &str = include_str!("../../../../config/tuned-4-cores.toml");

pub(super) fn machine(cores: usize) -> Machine {
    Machine {
        cores: (0..cores).collect(),
        isolated: Vec::new(),
        quota_milli: None,
        memlock: None,
        realtime: true,
        rt_throttled: false,
        invariant_tsc: true,
        shm_dir: PathBuf::from("/dev/shm"),
        shm_free: Some(8 << 30),
    }
}

fn loaded(text: &str, layout: Option<&str>) -> Loaded {
    let mut sources = Sources::text("test.toml", text);
    sources.layout = layout.map(str::to_owned);
    sources.load().unwrap_or_else(|report| panic!("{report}"))
}

fn planned(text: &str, layout: Option<&str>, machine: &Machine) -> Plan {
    plan(&loaded(text, layout), machine).unwrap_or_else(|report: Report| panic!("{report}"))
}

fn codes(plan: &Plan) -> Vec<DegradeCode> {
    plan.notes.iter().map(|note| note.code).collect()
}

const FEED: StageId = StageId::Feed(FeedId(0));
const GATEWAY: StageId = StageId::Gateway(GatewayId(0));

fn strategy(id: u8) -> StageId {
    StageId::Strategy(StrategyId(id))
}

/// Goal: each layout puts every stage in one thread, in flow order, each thread on a core of its
/// own, helpers elsewhere. Method: every layout on a machine with cores to spare.
#[test]
fn layouts_place_every_stage_once_in_flow_order() {
    let machine = machine(8);
    for (layout, placement, names) in [
        ("auto", Placement::Fused, &["hot"][..]),
        ("fused", Placement::Fused, &["hot"]),
        ("split2", Placement::Split2, &["md", "trade"]),
        ("split4", Placement::Split4, &["feed", "strategy", "risk", "gateway"]),
    ] {
        let plan = planned(GOOD, Some(layout), &machine);
        assert_eq!(plan.placement, placement);
        let found: Vec<_> = plan.threads.iter().map(|thread| thread.name.as_str()).collect();
        assert_eq!(found, names);
        let stages: Vec<_> = plan.threads.iter().flat_map(|thread| thread.stages.clone()).collect();
        assert_eq!(stages, [FEED, strategy(1), strategy(2), strategy(3), StageId::Risk, GATEWAY]);
        let mut cores: Vec<_> = plan.threads.iter().map(|thread| thread.core.unwrap()).collect();
        assert!(plan.helpers.iter().all(|core| !cores.contains(core)) && plan.helpers.contains(&0));
        cores.sort_unstable();
        cores.dedup();
        assert_eq!(cores.len(), names.len());
        assert!(plan.threads.iter().all(|thread| thread.wait == Wait::SpinHint));
        assert_eq!(codes(&plan), [DegradeCode::NotIsolated, DegradeCode::NoRealtime]);
    }
}

/// Goal: a hot thread never takes the last core or more than the quota: it yields then, and says
/// so. Method: every layout at one core below, at, and above what it needs; quotas at and below.
#[test]
fn too_few_cores_or_too_small_a_quota_yields() {
    for (layout, hot) in [("fused", 1), ("split2", 2), ("split4", 4)] {
        for cores in 1..=6 {
            let plan = planned(GOOD, Some(layout), &machine(cores));
            let yields = plan.threads.iter().all(|thread| thread.wait == Wait::Yield);
            assert_eq!(yields, cores < hot + 1, "{layout} on {cores}");
            assert_eq!(plan.threads.iter().all(|thread| thread.core.is_none()), yields);
            let code = if cores == 1 { DegradeCode::OneCore } else { DegradeCode::FewCores };
            assert_eq!(codes(&plan).contains(&code), yields, "{layout} on {cores}");
            assert!(!plan.helpers.is_empty());
        }
        let mut machine = machine(8);
        for (quota, yields) in [(hot * 1000 + 999, true), (hot * 1000 + 1000, false)] {
            machine.quota_milli = Some(u64::try_from(quota).unwrap());
            let plan = planned(GOOD, Some(layout), &machine);
            assert_eq!(codes(&plan).contains(&DegradeCode::CpuQuota), yields);
            assert_eq!(plan.threads.iter().all(|thread| thread.wait == Wait::Yield), yields);
        }
    }
}

/// Goal: thread tables are followed to the letter on the machine they were written for, with
/// real-time priority only where it does no harm, and nothing to excuse.
#[test]
fn a_tuned_machine_has_nothing_to_excuse() {
    let mut machine = machine(4);
    machine.isolated = vec![2, 3];
    let plan = planned(TUNED, None, &machine);
    assert_eq!(plan.notes, []);
    assert_eq!(plan.placement, Placement::Threads);
    let cores: Vec<_> = plan.threads.iter().map(|thread| (thread.core, thread.realtime)).collect();
    assert_eq!(cores, [(Some(2), true), (Some(3), true)]);
    assert!(plan.threads.iter().all(|thread| thread.wait == Wait::Spin));
    assert_eq!(plan.helpers, [0, 1]);
    assert!(plan.lock_memory && plan.tsc);
    assert_eq!(plan.segment_bytes, 64 << 20);
    machine.rt_throttled = true;
    let plan = planned(TUNED, None, &machine);
    assert_eq!(codes(&plan), [DegradeCode::NoRealtime]);
    assert!(plan.threads.iter().all(|thread| !thread.realtime));
    // A ready-made layout takes the isolated cores too.
    let plan = planned(GOOD, Some("split2"), &machine);
    assert_eq!(plan.helpers, [0, 1]);
}

/// Goal: a core that is not there is a fault at its line, not a surprise at start.
#[test]
fn a_core_that_is_not_there_is_a_fault() {
    let report = plan(&loaded(TUNED, None), &machine(2)).unwrap_err();
    assert!(report.has(FaultKind::Machine, "thread.md.core"), "{report}");
    assert!(report.has(FaultKind::Machine, "thread.trade.core"), "{report}");
    assert!(report.to_string().contains("test.toml:11:8: thread.md.core: core 2 is"), "{report}");
    assert!(report.to_string().contains("of this machine 0, 1"), "{report}");
}

/// Goal: what memory cannot hold is smaller, then elsewhere, and said. Method: shrink /dev/shm and
/// the lock limit around what two lanes of four 16 MiB segments need.
#[test]
fn small_memory_is_said_and_lived_with() {
    let mut machine = machine(8);
    let journal = 2 * 4 * (16 << 20);
    for (free, bytes, code) in [
        (Some(journal), 16 << 20, None),
        (Some(journal - 1), 8 << 20, Some(DegradeCode::SmallSegments)),
        (Some(8 << 20), 1 << 20, Some(DegradeCode::SmallSegments)),
        (Some((8 << 20) - 1), 16 << 20, Some(DegradeCode::HotDirOnDisk)),
        (None, 16 << 20, Some(DegradeCode::HotDirOnDisk)),
    ] {
        machine.shm_free = free;
        let plan = planned(GOOD, None, &machine);
        assert_eq!(plan.segment_bytes, bytes, "{free:?}");
        let found = codes(&plan);
        assert_eq!(found.first().copied().filter(|code| *code >= DegradeCode::NoMemlock), None);
        let notes: Vec<_> =
            found.into_iter().filter(|code| *code > DegradeCode::NoMemlock).collect();
        assert_eq!(notes, Vec::from_iter(code), "{free:?}");
        let on_disk = code == Some(DegradeCode::HotDirOnDisk);
        assert_eq!(plan.hot_dir.starts_with("/dev/shm"), !on_disk);
    }
    machine.shm_free = Some(1 << 40);
    for (limit, locked) in [(journal + (64 << 20), true), (journal + (64 << 20) - 1, false)] {
        machine.memlock = Some(limit);
        let plan = planned(GOOD, None, &machine);
        assert_eq!(plan.lock_memory, locked);
        assert_eq!(codes(&plan).contains(&DegradeCode::NoMemlock), !locked);
    }
    let other = GOOD.replacen("dir = \"wirelane-demo\"", "dir = \"elsewhere\"", 1);
    let (one, two) = (planned(GOOD, None, &machine), planned(&other, None, &machine));
    assert_ne!(one.hot_dir, two.hot_dir, "two engines of one name share live segments");
    machine.invariant_tsc = false;
    assert!(codes(&planned(GOOD, None, &machine)).contains(&DegradeCode::NoInvariantTsc));
}

/// Goal: every pair of stages that speak has one link, with the stated defaults, and what a `link`
/// table says wins; a file may be held, a paper gateway hears its feed.
#[test]
fn links_have_their_defaults_and_their_tables() {
    let extra = "[[link]]\nfrom = \"strategy:mm\"\nto = \"risk\"\nring = \"rtrb\"\nslots = 64\n\
                 [[link]]\nfrom = \"feed\"\nto = \"strategy:probe\"\ngroup = \"plug-in\"\nslots = 4096\n";
    let plan = planned(&format!("{GOOD}\n{extra}"), Some("split2"), &machine(4));
    let find = |from, to| {
        let mut all = plan.links.iter().filter(|link| link.from == from && link.to == to);
        (all.next().unwrap().clone(), all.next().is_none())
    };
    assert_eq!(plan.links.len(), 3 + 1 + 3 + 1 + 1 + 3);
    let (link, only) = find(FEED, strategy(1));
    assert!(only && link.hop && link.edge == Edge::FeedToStrategy);
    assert_eq!((link.ring, link.slots, link.full), (Ring::Disruptor, 8192, Full::Conflate));
    assert_eq!(link.group, "built-in");
    let (link, _) = find(FEED, strategy(3));
    assert_eq!((link.group.as_str(), link.slots), ("plug-in", 4096));
    let (link, _) = find(strategy(1), StageId::Risk);
    assert_eq!((link.hop, link.ring, link.slots, link.full), (false, Ring::Rtrb, 64, Full::Busy));
    let (link, _) = find(strategy(2), StageId::Risk);
    assert_eq!((link.ring, link.slots), (Ring::Slot, 1024));
    let (link, _) = find(GATEWAY, StageId::Risk);
    assert_eq!((link.edge, link.full), (Edge::GatewayToRisk, Full::Hold));
    let minimal = include_str!("../../../../config/minimal.toml");
    let from_file = minimal.replace("a = \"127.0.0.1:26400\"", "file = { path = \"day.itch\" }");
    for (text, full) in [(minimal, Full::Conflate), (from_file.as_str(), Full::Hold)] {
        let plan = planned(text, None, &machine(4));
        let paper = plan.links.iter().find(|link| link.edge == Edge::FeedToGateway).unwrap();
        assert_eq!((paper.from, paper.to, paper.full), (FEED, GATEWAY, full));
    }
}
