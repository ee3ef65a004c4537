//! The files in which a collector writes down what it receives, read as they grow.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use serde_json::{Deserializer, Value};

use super::received::Received;

/// All that was read, and how far the last file has been.
#[derive(Debug)]
pub(super) struct Inbox {
    file: PathBuf,
    done: usize,
    received: Received,
}

impl Inbox {
    /// Nothing read of a file that need not be there yet.
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, done: 0, received: Received::default() }
    }

    /// Reads what the file has by now.
    pub(super) fn read(&mut self) -> &Received {
        let mut file = match File::open(&self.file) {
            Ok(file) => file,
            // The collector makes it with the first line.
            Err(error) if error.kind() == ErrorKind::NotFound => return &self.received,
            Err(error) => panic!("cannot read {}: {error}", self.file.display()),
        };
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.done as u64)).expect("a file has every position");
        file.read_to_end(&mut text).expect("a file can be read");

        let mut messages = Deserializer::from_slice(&text).into_iter::<Value>();
        let mut whole = 0;
        while let Some(message) = messages.next() {
            match message {
                Ok(message) => self.received.add(&message),
                // The rest is being written, or never will be.
                Err(error) if error.is_eof() => break,
                Err(error) => panic!("{} is not JSON: {error}", self.file.display()),
            }
            whole = messages.byte_offset();
        }
        self.done += whole;
        &self.received
    }

    /// Reads the rest of the file, and goes on with another.
    pub(super) fn follow(&mut self, file: PathBuf) {
        self.read();
        (self.file, self.done) = (file, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MESSAGE: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;

    #[test]
    fn reads_each_message_once_and_only_whole_ones() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        let mut inbox = Inbox::new(first.clone());
        assert_eq!(inbox.read().logs.len(), 0);

        let (half, rest) = MESSAGE.split_at(20);
        for (text, records) in [
            (MESSAGE.to_owned(), 1),
            (format!("{MESSAGE}\n{half}"), 1),
            (format!("{MESSAGE}\n{half}{rest}"), 2),
            (format!("{MESSAGE}\n{MESSAGE}\n{half}"), 2),
        ] {
            fs::write(&first, text).expect("a file can be written");
            assert_eq!(inbox.read().logs.len(), records);
        }

        fs::write(&second, MESSAGE).expect("a file can be written");
        inbox.follow(second);
        assert_eq!(inbox.read().logs.len(), 3);
    }
}
