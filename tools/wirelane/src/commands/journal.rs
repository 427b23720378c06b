//! `wirelane journal cat | verify | export`.

use crate::failure::{Failure, Outcome};
use crate::journal::merge::{Merged, Wanted};
use crate::journal::row::Row;
use crate::liveness::gone;
use crate::place::{DirArg, Place};
use crate::signals;
use crate::stdout::Out;
use shm::journal::{FaultKind, LaneReport};
use shm::record::RecordKind;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Time between two looks at a live journal.
const LOOK: Duration = Duration::from_millis(50);

/// What to do with the journal.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print records, one line each
    Cat(ReadArgs),
    /// Check every record on the disk: length, checksum, sequence. Ends with 0 when all that was
    /// durable is sound, 1 when it is not, 4 when there is no record at all
    Verify(DirArg),
    /// Print records as JSON, one object a line
    Export(ReadArgs),
}

/// Which records.
#[derive(Debug, clap::Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    dir: DirArg,
    /// The engine start; without it, the newest
    #[arg(long)]
    epoch: Option<u16>,
    /// A lane; give it again for more; without it, all, merged by time
    #[arg(long)]
    lane: Vec<u16>,
    /// A kind of record (Approved, Denied, OrderEvent, ...); give it again for more
    #[arg(long, value_parser = parse_kind)]
    kind: Vec<RecordKind>,
    /// Go on as the engine writes, until its session closes
    #[arg(long)]
    follow: bool,
    /// Captured and sent bytes too, as hexadecimal
    #[arg(long)]
    bytes: bool,
}

fn parse_kind(text: &str) -> Result<RecordKind, String> {
    let known = RecordKind::ALL.iter().find(|kind| kind.name().eq_ignore_ascii_case(text));
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = RecordKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("there are: {}", names.join(", "))
    })
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self) -> Outcome {
        match self {
            Self::Cat(args) => args.print(&|row| Ok(row.to_string())),
            Self::Export(args) => args.print(&|row| row.to_json().map_err(Failure::not_done)),
            Self::Verify(dir) => verify(dir),
        }
    }
}

impl ReadArgs {
    fn print(&self, line: &dyn Fn(&Row) -> Outcome<String>) -> Outcome {
        let place = self.dir.place()?;
        let journal = place.journal()?;
        let epoch = place.epoch(&journal, self.epoch)?;
        let mut kinds = self.kind.clone();
        if self.follow && !kinds.is_empty() {
            // It tells the end.
            kinds.push(RecordKind::SessionClose);
        }
        let wanted = Wanted { lanes: self.lane.clone(), kinds, raw: self.bytes };
        let mut merged = Merged::open(&journal, epoch, wanted)?;
        let mut out = Out::stdout();
        let stop = signals::stop()?;
        loop {
            let mut closed = false;
            while let Some(row) = merged.next()? {
                closed |= row.kind == Some(RecordKind::SessionClose);
                out.line(&line(&row)?)?;
                // ORDERING: Relaxed: a lone flag.
                if out.is_closed() || stop.load(Ordering::Relaxed) {
                    return out.flush();
                }
            }
            out.flush()?;
            // ORDERING: Relaxed: a lone flag.
            let told = stop.load(Ordering::Relaxed) || out.is_closed();
            let newer =
                journal.epochs().map_err(Failure::not_done)?.iter().any(|other| *other > epoch);
            if !self.follow || closed || told || newer {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// What is to be said of a lane.
fn state_of(lane: &LaneReport) -> String {
    let Some(fault) = &lane.fault else {
        return if lane.records == 0 { "empty" } else { "sound" }.to_owned();
    };
    let what = match fault.kind {
        FaultKind::Torn => "torn tail",
        FaultKind::Corrupt => "CORRUPT",
    };
    format!("{what} in segment {} at byte {}", fault.number, fault.offset)
}

fn verify(dir: &DirArg) -> Outcome {
    let place = dir.place()?;
    let journal = place.journal()?;
    if journal.epochs().map_err(Failure::not_done)?.is_empty() {
        return Err(nothing(place.dir()));
    }
    let report = shm::journal::verify(place.dir()).map_err(Failure::not_done)?;
    let mut out = Out::stdout();
    for lane in &report.lanes {
        let state = state_of(lane);
        out.line(&format!(
            "epoch {} lane {}: {} segments, {} records, {} bytes, last {}, durable {}: {state}",
            lane.epoch,
            lane.lane,
            lane.segments,
            lane.records,
            lane.bytes,
            lane.last.0,
            lane.durable.0
        ))?;
    }
    for fault in report.faults() {
        out.line(&fault.to_string())?;
    }
    for marks in &report.marks {
        out.line(&marks.to_string())?;
    }
    if let Some(note) = left_in_memory(&place) {
        out.line(&note)?;
    }
    out.flush()?;
    if report.is_sound() {
        return if report.lanes.iter().any(|lane| lane.records > 0) {
            Ok(())
        } else {
            Err(nothing(place.dir()))
        };
    }
    let corrupt = report.faults().find(|fault| fault.kind == FaultKind::Corrupt);
    Err(match corrupt {
        Some(fault) => Failure::unsound(format!(
            "{}: the journal is corrupt: segment {}, byte {}: {}",
            fault.path.display(),
            fault.number,
            fault.offset,
            fault.damage
        ))
        .remedy("set the segment aside and restore it from a copy; nothing was changed"),
        None => Failure::unsound("the durable marks of an epoch cannot be read"),
    })
}

/// What is said where no engine runs and its live segments are there: they were not archived.
fn left_in_memory(place: &Place) -> Option<String> {
    gone(place)?;
    let hot = std::fs::canonicalize(place.dir().join("hot")).ok()?;
    let lanes = std::fs::read_dir(&hot).ok()?.flatten();
    let mut lanes = lanes.filter(|entry| entry.file_name().to_string_lossy().starts_with("lane-"));
    lanes.next()?;
    Some(format!(
        "note: the last engine left live segments in {}, whose last records are not counted above; \
         the next start brings them to the disk",
        hot.display()
    ))
}

/// A journal without a record is not sound: nobody knows what should be there.
fn nothing(dir: &Path) -> Failure {
    Failure::not_there(format!("{}: the journal is empty: nothing to verify", dir.display()))
        .remedy("an engine's directory has one from its first start on: name it with --dir")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;
    use crate::journal::merge::tests::Written;
    use shm::record::status::Text;

    /// Goal: an empty journal is said to be empty, and is no success. Method: no journal, an epoch
    /// without a lane, a lane without a record, and one record.
    #[test]
    fn an_empty_journal_is_not_sound() {
        let temp = tempfile::tempdir().unwrap();
        let says = |dir: &Path| verify(&DirArg { dir: dir.to_path_buf() });
        let empty = says(temp.path()).unwrap_err();
        assert_eq!(empty.exit(), Exit::NotThere);
        assert!(empty.to_string().contains("empty: nothing to verify"), "{empty}");
        std::fs::create_dir_all(temp.path().join("journal/epoch-00007")).unwrap();
        assert_eq!(says(temp.path()).unwrap_err().exit(), Exit::NotThere);
        let mut written = Written::new(temp.path(), 8, 1);
        written.close();
        assert_eq!(says(&written.dir).unwrap_err().exit(), Exit::NotThere);
        let mut written = Written::new(&temp.path().join("more"), 8, 1);
        written.put(0, RecordKind::SessionClose, 1, Text::default().bytes());
        written.close();
        assert!(says(&written.dir).is_ok());
    }
}
