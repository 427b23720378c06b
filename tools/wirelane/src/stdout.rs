//! Standard output that may be closed early (`wirelane journal cat | head`): that is an end, not an
//! error.

use crate::failure::{Failure, Outcome};
use std::io::{self, ErrorKind, Write};

/// Writes lines until the reader has gone.
pub(crate) struct Out<W> {
    inner: W,
    closed: bool,
}

impl Out<io::BufWriter<io::Stdout>> {
    /// Standard output, buffered.
    pub(crate) fn stdout() -> Self {
        Self { inner: io::BufWriter::new(io::stdout()), closed: false }
    }
}

impl<W: Write> Out<W> {
    /// Writes a line.
    pub(crate) fn line(&mut self, line: &str) -> Outcome {
        self.tell(|out| writeln!(out, "{line}"))
    }

    /// Writes a text that ends as it should.
    pub(crate) fn text(&mut self, text: &str) -> Outcome {
        self.tell(|out| out.write_all(text.as_bytes()))
    }

    /// Passes on what is buffered.
    pub(crate) fn flush(&mut self) -> Outcome {
        self.tell(Write::flush)
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn tell(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) -> Outcome {
        if self.closed {
            return Ok(());
        }
        match write(&mut self.inner) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Failure::not_done(format!("standard output: {error}"))),
        }
    }
}

/// Prints a text at once.
pub(crate) fn print(text: &str) -> Outcome {
    let mut out = Out::stdout();
    out.text(text)?;
    out.flush()
}
