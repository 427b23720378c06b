//! The terminal that watches an engine. It maps shared memory and nothing else: region, gates, and
//! the opening of the journal for names.
//!
//! ```text
//!   region, gates ─► view (what is mapped) ─► model (rows of text, rates) ─► screen
//! ```

mod model;
mod screen;
mod view;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::stdout;
use model::Model;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use std::io::IsTerminal as _;
use std::time::Duration;
use view::View;

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(250);
/// Rows that a page key moves by.
const PAGE: u16 = 10;
/// Columns of the text where standard output is no terminal.
const TEXT_COLUMNS: u16 = 120;

/// Prints one screen as text, as wide as the terminal and as long as it takes.
pub(crate) fn print(place: &Place) -> Outcome {
    let mut view = View::open(place)?;
    let mut model = Model::default();
    model.look(&view.take());
    std::thread::sleep(FRAME);
    model.look(&view.take());
    let columns = if std::io::stdout().is_terminal() {
        ratatui::crossterm::terminal::size().map_or(TEXT_COLUMNS, |(columns, _)| columns)
    } else {
        TEXT_COLUMNS
    };
    stdout::print(&screen::text(&model, columns))
}

/// Shows frames until `q`.
pub(crate) fn watch(place: &Place) -> Outcome {
    let view = View::open(place)?;
    let mut terminal = ratatui::try_init().map_err(|error| {
        Failure::not_done(format!("this is no terminal: {error}"))
            .remedy("`wirelane top --once` prints a screen as text")
    })?;
    let ended = frames(&mut terminal, view, place);
    ratatui::restore();
    ended
}

fn frames(terminal: &mut DefaultTerminal, mut view: View, place: &Place) -> Outcome {
    let failed = |error: std::io::Error| Failure::not_done(format!("the terminal: {error}"));
    let mut model = Model::default();
    let (mut offset, mut last) = (0_u16, 0_u16);
    loop {
        if view.is_over()
            && let Ok(newer) = View::open(place)
            && newer.epoch() != view.epoch()
        {
            (view, model) = (newer, Model::default());
        }
        model.look(&view.take());
        terminal.draw(|frame| last = screen::draw(frame, &model, offset)).map_err(failed)?;
        if event::poll(FRAME).map_err(failed)?
            && let Event::Key(key) = event::read().map_err(failed)?
            && key.kind == KeyEventKind::Press
        {
            let interrupt =
                key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            if interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                return Ok(());
            }
            offset = match key.code {
                KeyCode::Down => offset.saturating_add(1),
                KeyCode::PageDown => offset.saturating_add(PAGE),
                KeyCode::Up => offset.saturating_sub(1),
                KeyCode::PageUp => offset.saturating_sub(PAGE),
                KeyCode::Home => 0,
                _ => offset,
            }
            .min(last);
        }
    }
}

#[cfg(test)]
mod tests;
