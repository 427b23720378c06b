//! Draws the model.

use super::model::Model;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, Paragraph, Row, Table};

/// Draws one frame.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model) {
    let threads = panel_rows(model.threads.len().max(model.gates.len()).min(8));
    let books = panel_rows(model.books.len().max(model.positions.len()).clamp(3, 12));
    let [title, top, middle, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(threads),
        Constraint::Length(books),
        Constraint::Min(4),
    ])
    .areas(frame.area());
    let color = if model.good { Color::Green } else { Color::Red };
    let style = Style::new().fg(color).add_modifier(Modifier::BOLD);
    frame.render_widget(Paragraph::new(model.title.as_str()).style(style), title);

    let [left, right] = split(top, 70);
    let head = [
        "thread", "core", "polls/s", "busy %", "yields", "free seg", "faults", "switches", "allocs",
    ];
    panel(frame, left, "threads", &head, &[10, 4, 12, 6, 12, 8, 6, 8, 6], &model.threads);
    panel(frame, right, "gates", &["gate", "closed by"], &[24, 14], &model.gates);

    let [left, right] = split(middle, 50);
    let head = ["symbol", "bid qty", "bid", "ask", "ask qty", ""];
    panel(frame, left, "books", &head, &[8, 8, 9, 9, 8, 13], &model.books);
    let head = ["strategy", "symbol", "position", "realised", "fees", "last"];
    panel(frame, right, "positions", &head, &[10, 8, 9, 12, 10, 10], &model.positions);

    let [left, rest] = split(bottom, 22);
    let [center, right] = split(rest, 40);
    panel(frame, left, "orders", &["", "count", "/s"], &[12, 9, 5], &model.orders);
    let head = ["counter", "value", "/s"];
    panel(frame, center, "rings and counters", &head, &[19, 12, 7], &model.counters);
    let head = ["latency", "count", "p50", "p99", "max"];
    panel(frame, right, "latency", &head, &[17, 11, 9, 9, 9], &model.latency);
}

/// Rows of a panel: border, head, content.
fn panel_rows(rows: usize) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3)
}

fn split(area: Rect, left_percent: u16) -> [Rect; 2] {
    Layout::horizontal([Constraint::Percentage(left_percent), Constraint::Min(0)]).areas(area)
}

fn panel(
    frame: &mut Frame<'_>,
    area: Rect,
    name: &str,
    head: &[&str],
    widths: &[u16],
    rows: &[Vec<String>],
) {
    let widths: Vec<Constraint> = widths.iter().map(|width| Constraint::Length(*width)).collect();
    let numbers = |cells: &[String]| {
        // The first column is a name, the others are numbers as far as they look so.
        let cell = |(at, text): (usize, &String)| {
            let number =
                at > 0 && text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
            let width = widths.get(at).map_or(0, |width| match width {
                Constraint::Length(width) => usize::from(*width),
                _ => 0,
            });
            if number { format!("{text:>width$}") } else { text.clone() }
        };
        Row::new(cells.iter().enumerate().map(cell).collect::<Vec<String>>())
    };
    let shown: Vec<Row<'_>> = rows.iter().map(|cells| numbers(cells)).collect();
    let style = Style::new().add_modifier(Modifier::DIM);
    let table = Table::new(shown, widths.clone())
        .header(Row::new(head.iter().map(|text| (*text).to_owned())).style(style))
        .block(Block::bordered().title(name.to_owned()));
    frame.render_widget(table, area);
}
