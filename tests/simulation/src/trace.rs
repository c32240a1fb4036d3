//! What happened, as a number that two equal histories share, and in words when somebody wants to read it.

/// A history's trace.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: u64,
    loud: bool,
    lines: Vec<String>,
}

impl Trace {
    /// An empty trace; a loud one keeps the words.
    pub const fn new(loud: bool) -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            loud,
            lines: Vec::new(),
        }
    }

    /// Adds a number to the hash.
    pub const fn note(&mut self, number: u64) {
        self.hash = (self.hash ^ number)
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(23);
    }

    /// Adds a text to the hash.
    pub fn note_text(&mut self, text: &str) {
        for chunk in text.as_bytes().chunks(8) {
            let mut bytes = [0; 8];
            for (to, from) in bytes.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.note(u64::from_le_bytes(bytes));
        }
    }

    /// Adds a line that is only read, not hashed.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if self.loud {
            self.lines.push(line());
        }
    }

    /// The number.
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// The words.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}
