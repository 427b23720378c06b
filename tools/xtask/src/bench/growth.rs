//! `bench --growth FILE`: what a trip costs as its world grows, as a table and a picture.
//!
//! The times come from the program `measure growth`, which lists the worlds; the instructions are
//! counted by callgrind, world by world.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process;
use crate::test::need::VALGRIND;
use crate::workspace;

use super::{instructions, program};

/// Rounds of times.
const ROUNDS: &str = "3";
/// The longest that the times may take.
const TIMES_MAX: Duration = Duration::from_secs(1_200);
/// Events that are counted in a world.
const EVENTS: u64 = 1_000;

/// One world.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// What grows.
    name: String,
    count: u64,
    /// Median and 99 of 100 of own work, ns; of `working` median and greatest mean.
    p50: f64,
    p99: f64,
    /// `None` where callgrind is not there.
    instructions: Option<f64>,
}

/// Measures, prints the table, writes the picture.
///
/// # Errors
/// A program cannot be built or run, or the file cannot be written.
pub fn run(file: &Path) -> Result<(), Box<dyn Error>> {
    let measure = program::build("measure")?;
    let mut command = Command::new(&measure);
    command.args(["growth", ROUNDS]);
    let mut rows: Vec<Row> = Vec::new();
    let mut take = |line: &str| match row_of(line) {
        Some(row) => rows.push(row),
        None => println!("   {line}"),
    };
    if !process::stream(command, TIMES_MAX, &mut take)?.success() {
        return Err("measure growth did not come to its end".into());
    }
    if VALGRIND.met(false) {
        let counted = program::build("instructions")?;
        let folder = workspace::target().join("callgrind");
        fs::create_dir_all(&folder)?;
        for row in &mut rows {
            let world = format!("{}={}", row.name, row.count);
            let (events, total) = instructions::count(&counted, &folder, &world, EVENTS)?;
            row.instructions = Some(total as f64 / events as f64);
        }
    } else {
        println!("   {}", VALGRIND.absent("instructions"));
    }
    print!("{}", table(&rows));
    Ok(fs::write(file, picture(&rows)).map_err(|error| format!("{}: {error}", file.display()))?)
}

/// A line of the program: `growth symbols=10 850 1200`.
fn row_of(line: &str) -> Option<Row> {
    let mut words = line.strip_prefix("growth ")?.split(' ');
    let (name, count) = words.next()?.split_once('=')?;
    let (p50, p99) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (name, count) = (name.to_owned(), count.parse().ok()?);
    Some(Row { name, count, p50, p99, instructions: None })
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| what grows | to | p50 ns | p99 ns | instructions |\n|---|---|---|---|---|\n",
    );
    for Row { name, count, p50, p99, instructions } in rows {
        let counted = instructions.map_or("not counted".to_owned(), |count| format!("{count:.0}"));
        let _ = writeln!(text, "| {name} | {count} | {p50:.0} | {p99:.0} | {counted} |");
    }
    text
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
/// Left, top, right and bottom of the plot.
const PLOT: [f64; 4] = [60.0, 40.0, 600.0, 330.0];
/// Powers of ten on the horizontal axis.
const DECADES: u32 = 6;
const COLORS: [&str; 5] = ["#0b62a4", "#c2410c", "#15803d", "#7e22ce", "#475569"];

/// A line of the picture: what grows, how it is dashed, and its cost by count.
struct Line<'a> {
    kind: &'a str,
    dash: &'static str,
    points: Vec<(u64, f64)>,
}

/// Cost against the smallest world of each kind: times drawn through, instructions dashed.
fn picture(rows: &[Row]) -> String {
    let mut kinds: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    kinds.dedup();
    let of = |kind: &str, value: fn(&Row) -> Option<f64>| -> Vec<(u64, f64)> {
        let rows = rows.iter().filter(|row| row.name == kind);
        let points: Vec<_> = rows.filter_map(|row| Some((row.count, value(row)?))).collect();
        let first = points.first().map_or(1.0, |(_, first)| *first);
        points.into_iter().map(|(count, value)| (count, value / first)).collect()
    };
    let lines = kinds.iter().flat_map(|kind| {
        let times = Line { kind, dash: "", points: of(kind, |row| Some(row.p50)) };
        [times, Line { kind, dash: "5 4", points: of(kind, |row| row.instructions) }]
    });
    let lines: Vec<_> = lines.filter(|line| !line.points.is_empty()).collect();
    let points = lines.iter().flat_map(|line| &line.points);
    let top = points.map(|point| point.1).fold(2.0, f64::max).ceil();
    let mut svg = axes(top);
    for (at, kind) in kinds.iter().enumerate() {
        let (color, y) = (COLORS[at % COLORS.len()], PLOT[1] + 20.0 * at as f64 + 10.0);
        let _ = writeln!(svg, "<text x=\"615\" y=\"{y:.0}\" fill=\"{color}\">{kind}</text>");
        for Line { dash, points, .. } in lines.iter().filter(|line| line.kind == *kind) {
            let at = |(count, ratio): &(u64, f64)| {
                format!("{:.1},{:.1}", x_of(*count), y_of(*ratio, top))
            };
            let path: Vec<_> = points.iter().map(at).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" \
                 stroke-dasharray=\"{dash}\"/>",
                path.join(" ")
            );
        }
    }
    svg + "</svg>\n"
}

fn x_of(count: u64) -> f64 {
    let [left, _, right, _] = PLOT;
    left + (right - left) * (count as f64).log10() / f64::from(DECADES)
}

fn y_of(ratio: f64, top: f64) -> f64 {
    let [_, upper, _, lower] = PLOT;
    lower - (lower - upper) * ratio / top
}

/// Frame, title and both axes.
fn axes(top: f64) -> String {
    let [left, upper, right, lower] = PLOT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n\
         <text x=\"{left}\" y=\"20\">Cost of an event against the smallest world: time (drawn \
         through), instructions (dashed)</text>\n"
    );
    for power in 0..=DECADES {
        let count = 10_u64.pow(power);
        let x = x_of(count);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.0}\" y1=\"{upper}\" x2=\"{x:.0}\" y2=\"{lower}\" stroke=\"#ddd\"/>\
             <text x=\"{x:.0}\" y=\"348\" text-anchor=\"middle\">{count}</text>"
        );
    }
    for ratio in 0..=top as u32 {
        let y = y_of(ratio.into(), top);
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" y1=\"{y:.0}\" x2=\"{right}\" y2=\"{y:.0}\" stroke=\"#ddd\"/>\
             <text x=\"52\" y=\"{:.0}\" text-anchor=\"end\">{ratio}</text>",
            y + 4.0
        );
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a line is read as it was printed, and both figures have every world. Method: two lines
    // of a kind and one of another.
    #[test]
    fn table_and_picture_have_every_world() {
        let lines =
            ["growth symbols=1 800 900", "growth symbols=100 1600 1900", "growth live=10 5 6"];
        let mut rows: Vec<Row> = lines.iter().filter_map(|line| row_of(line)).collect();
        rows[1].instructions = Some(7_000.4);
        assert_eq!((rows.len(), row_of("round 1 2 3"), row_of("growth x 1 2")), (3, None, None));
        let table = table(&rows);
        assert!(table.contains("| symbols | 100 | 1600 | 1900 | 7000 |"), "{table}");
        assert!(table.contains("| live | 10 | 5 | 6 | not counted |"), "{table}");
        let picture = picture(&rows);
        assert_eq!(picture.matches("<polyline").count(), 3, "{picture}");
        assert!(picture.contains(">symbols<") && picture.contains(">live<"));
    }
}
