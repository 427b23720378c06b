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
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Terminal};
use std::time::Duration;
use view::View;

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(250);
/// Size of the screen that is printed as text.
const TEXT_COLUMNS: u16 = 132;
const TEXT_ROWS: u16 = 50;

/// Prints one screen as text: what a terminal of 132 columns would show.
pub(crate) fn print(place: &Place) -> Outcome {
    let mut view = View::open(place)?;
    let mut model = Model::default();
    model.look(&view.take());
    std::thread::sleep(FRAME);
    model.look(&view.take());
    let mut terminal = Terminal::new(TestBackend::new(TEXT_COLUMNS, TEXT_ROWS))
        .map_err(|never| Failure::not_done(format!("{never:?}")))?;
    terminal
        .draw(|frame| screen::draw(frame, &model))
        .map_err(|never| Failure::not_done(format!("{never:?}")))?;
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for row in buffer.content().chunks(usize::from(TEXT_COLUMNS)) {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    stdout::print(&text)
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
    loop {
        if view.is_over()
            && let Ok(newer) = View::open(place)
            && newer.epoch() != view.epoch()
        {
            (view, model) = (newer, Model::default());
        }
        model.look(&view.take());
        terminal.draw(|frame| screen::draw(frame, &model)).map_err(failed)?;
        if event::poll(FRAME).map_err(failed)?
            && let Event::Key(key) = event::read().map_err(failed)?
            && key.kind == KeyEventKind::Press
        {
            let interrupt =
                key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            if interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
