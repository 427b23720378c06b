//! Reading a recorded tape message by message, of any format that a feed reads.

use crate::error::Error;
use feed::recording::RecordingError;
use std::path::Path;

/// A recorded tape.
#[derive(Debug)]
pub struct Recording(feed::recording::Recording);

impl Recording {
    /// Opens a file; its first bytes say what it is.
    ///
    /// # Errors
    /// [`Error::Input`] when it cannot be read, or holds no message.
    pub fn open(path: &Path) -> Result<Self, Error> {
        feed::recording::Recording::open(path).map(Self).map_err(input)
    }

    /// Reads the next message into `message`; false at the end.
    ///
    /// # Errors
    /// [`Error::Input`]: the file is damaged or cut; the messages before are good.
    pub fn read(&mut self, message: &mut Vec<u8>) -> Result<bool, Error> {
        self.0.read(message).map_err(input)
    }
}

fn input(error: RecordingError) -> Error {
    Error::Input { path: error.path, what: error.what }
}
