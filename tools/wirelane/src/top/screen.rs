//! Draws the model: panels side by side as far as the width goes, each as wide as what it holds, so
//! that nothing is cut that fits at all.

use super::model::{Model, Panel};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, Row, Table, Widget as _};

/// Columns between two of a table.
const GAP: u16 = 1;
/// Rows and columns of a border.
const BORDER: u16 = 2;

impl Panel {
    /// Widest cell of each column.
    fn widths(&self) -> Vec<u16> {
        let cell = |at: usize| {
            let rows = self.rows.iter().filter_map(move |row| row.get(at));
            let widest = rows.chain(self.head.get(at)).map(|text| text.chars().count()).max();
            u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX)
        };
        (0..self.head.len()).map(cell).collect()
    }

    /// Columns of the screen it needs.
    fn width(&self) -> u16 {
        let widths = self.widths();
        let gaps = u16::try_from(widths.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let sum = widths.into_iter().fold(BORDER, u16::saturating_add);
        sum.saturating_add(gaps.saturating_mul(GAP))
    }

    /// Rows of the screen it needs: border, head, content.
    fn height(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX).saturating_add(BORDER + 1)
    }
}

/// The least width at which no panel is cut.
pub(crate) fn width_min(model: &Model) -> u16 {
    model.panels.iter().map(Panel::width).max().unwrap_or(0)
}

/// Places panels in rows of at most `width` columns, in their order; the last of a row takes what
/// is left. Returns the places and the rows of the screen they need.
fn places(model: &Model, width: u16) -> (Vec<Rect>, u16) {
    let mut places: Vec<Rect> = Vec::new();
    let (mut x, mut y, mut tallest) = (0_u16, 0_u16, 0_u16);
    for panel in &model.panels {
        let wanted = panel.width().min(width);
        if x > 0 && x.saturating_add(wanted) > width {
            if let Some(last) = places.last_mut() {
                last.width = width.saturating_sub(last.x);
            }
            (x, y, tallest) = (0, y.saturating_add(tallest), 0);
        }
        places.push(Rect { x, y, width: wanted, height: panel.height() });
        x = x.saturating_add(wanted);
        tallest = tallest.max(panel.height());
    }
    if let Some(last) = places.last_mut() {
        last.width = width.saturating_sub(last.x);
    }
    (places, y.saturating_add(tallest))
}

/// Everything below the title, however many rows it takes.
pub(crate) fn render(model: &Model, width: u16) -> Buffer {
    let (places, height) = places(model, width);
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
    for (panel, place) in model.panels.iter().zip(places) {
        panel_table(panel).render(place, &mut buffer);
    }
    buffer
}

/// Draws one frame: the title, and of the rest what the rows from `offset` show. Returns the
/// greatest offset that still shows something new.
pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model, offset: u16) -> u16 {
    let area = frame.area();
    let color = if model.good { Color::Green } else { Color::Red };
    let style = Style::new().fg(color).add_modifier(Modifier::BOLD);
    let whole = render(model, area.width);
    let rows = area.height.saturating_sub(1);
    let last = whole.area.height.saturating_sub(rows);
    let offset = offset.min(last);
    let keys = if last > 0 { "q leaves, arrows scroll" } else { "q leaves" };
    let title = format!("{}  ({keys})", model.title);
    frame.buffer_mut().set_stringn(0, 0, title, usize::from(area.width), style);
    for y in 0..rows.min(whole.area.height) {
        for x in 0..area.width {
            if let (Some(to), Some(from)) =
                (frame.buffer_mut().cell_mut((x, y + 1)), whole.cell((x, y + offset)))
            {
                *to = from.clone();
            }
        }
    }
    last
}

/// The title and everything below it as text.
pub(crate) fn text(model: &Model, width: u16) -> String {
    let buffer = render(model, width.max(width_min(model)));
    let mut text = format!("{}\n", model.title);
    for row in buffer.content().chunks(usize::from(buffer.area.width.max(1))) {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn panel_table(panel: &Panel) -> Table<'static> {
    let widths = panel.widths();
    let numeric = |at: usize| {
        let mut cells = panel.rows.iter().filter_map(|row| row.get(at)).filter(|c| !c.is_empty());
        at > 0
            && cells
                .all(|text| text.starts_with(|first: char| first.is_ascii_digit() || first == '-'))
    };
    let line = |cells: &[String]| {
        let cell = |(at, text): (usize, &String)| {
            let width = usize::from(widths.get(at).copied().unwrap_or(0));
            if numeric(at) { format!("{text:>width$}") } else { text.clone() }
        };
        Row::new(cells.iter().enumerate().map(cell).collect::<Vec<String>>())
    };
    let rows: Vec<Row<'_>> = panel.rows.iter().map(|cells| line(cells)).collect();
    let style = Style::new().add_modifier(Modifier::DIM);
    Table::new(rows, widths.iter().map(|width| Constraint::Length(*width)))
        .column_spacing(GAP)
        .header(line(&panel.head).style(style))
        .block(Block::bordered().title(panel.name))
}
