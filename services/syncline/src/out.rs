//! What the commands print for people and for other programs.

use std::io::{ErrorKind, Result, Write};

/// Prints to standard output. A reader that has seen enough (`syncline openapi | head`) is no error.
pub fn print(text: &str) -> Result<()> {
    enough(std::io::stdout().lock(), text)
}

/// The same with the end of the line.
pub fn line(text: &str) -> Result<()> {
    print(&format!("{text}\n"))
}

fn enough(mut out: impl Write, text: &str) -> Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_reader_that_is_gone_is_no_error() {
        assert!(enough(Broken(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(enough(Broken(ErrorKind::StorageFull), "x").is_err());
        let mut out = Vec::new();
        enough(&mut out, "x").unwrap();
        assert_eq!(out, b"x");
    }
}
