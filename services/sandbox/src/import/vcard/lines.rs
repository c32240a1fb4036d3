//! From bytes to cards of logical lines: line ends of all systems, folding, quoted-printable soft breaks, base64
//! without indentation, cards that never end. Works on bytes, because folding may cut a character in two.

use super::super::loss::{Losses, shorten};

/// The lines of one card, without its BEGIN and END.
pub(super) struct RawCard {
    /// The line of BEGIN, from 1.
    pub line: usize,
    /// Version 2.1 or older: other rules for folding and commas.
    pub old: bool,
    /// Whether END was there.
    pub ended: bool,
    /// The properties, unfolded.
    pub lines: Vec<Logical>,
}

/// One unfolded line.
pub(super) struct Logical {
    /// The file's line on which it starts, from 1.
    pub line: usize,
    /// The bytes, without line end; may hold line feeds if a card is nested in it.
    pub bytes: Vec<u8>,
    /// How the value is written.
    pub encoding: Encoding,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Plain,
    /// `=E4` for a byte; `=` at the end of a line joins it to the next.
    QuotedPrintable,
    /// Base64.
    Base64,
}

/// The lines of a file, ended by CRLF, LF or CR; `CR CR LF`, which transfer programs leave behind, is one end.
pub(in super::super) fn physical_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes).filter(|bytes| !bytes.is_empty());
    std::iter::from_fn(move || {
        let now = rest?;
        let Some(end) = now.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            rest = None;
            return Some(now);
        };
        let (line, tail) = now.split_at(end);
        let returns = tail.iter().take_while(|byte| **byte == b'\r').count();
        let skip = if tail.get(returns) == Some(&b'\n') {
            returns + 1
        } else {
            1
        };
        rest = tail.get(skip..).filter(|tail| !tail.is_empty());
        Some(line)
    })
}

/// Whether the line begins a card.
pub(in super::super) fn is_begin(line: &[u8]) -> bool {
    is_mark(line, b"BEGIN")
}

fn is_mark(line: &[u8], word: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let mut halves = line.splitn(2, |byte| *byte == b':');
    let mut next = || halves.next().unwrap_or_default().trim_ascii();
    next().eq_ignore_ascii_case(word) && next().eq_ignore_ascii_case(b"VCARD")
}

/// All cards of a file. What stands outside of any card is named.
pub(super) fn cards(plain: &[u8], losses: &mut Losses) -> Vec<RawCard> {
    let mut splitter = Splitter::default();
    for (number, line) in (1..).zip(physical_lines(plain)) {
        splitter.line(number, line, losses);
    }
    splitter.close(false);
    splitter.cards
}

#[derive(Default)]
struct Splitter {
    cards: Vec<RawCard>,
    open: Option<RawCard>,
    /// How many cards are open inside an AGENT property.
    nested: usize,
}

impl Splitter {
    fn line(&mut self, number: usize, line: &[u8], losses: &mut Losses) {
        let (begins, ends) = (is_begin(line), is_mark(line, b"END"));
        let Some(card) = &mut self.open else {
            match (begins, line.trim_ascii().is_empty()) {
                (true, _) => self.begin(number),
                (false, true) => {}
                (false, false) => {
                    let text = shorten(&String::from_utf8_lossy(line));
                    let why = "it stands outside of any card";
                    losses.begin("", number);
                    losses.lost("line", &text, why);
                }
            }
            return;
        };
        if self.nested > 0 {
            self.nested = match (begins, ends) {
                (true, _) => self.nested + 1,
                (_, true) => self.nested - 1,
                _ => self.nested,
            };
            card.append_nested(line);
        } else if begins && card.awaits_agent() {
            self.nested = 1;
            card.append_nested(line);
        } else if begins {
            self.close(false);
            self.begin(number);
        } else if ends {
            self.close(true);
        } else {
            card.add(number, line);
        }
    }

    fn begin(&mut self, line: usize) {
        self.open = Some(RawCard {
            line,
            old: false,
            ended: false,
            lines: Vec::new(),
        });
    }

    fn close(&mut self, ended: bool) {
        self.nested = 0;
        if let Some(card) = self.open.take() {
            self.cards.push(RawCard { ended, ..card });
        }
    }
}

impl RawCard {
    /// A further line: of the property before it, or a new one.
    fn add(&mut self, number: usize, line: &[u8]) {
        if let Some(last) = self.lines.last_mut()
            && last.goes_on(line, self.old)
        {
            return;
        }
        if line.trim_ascii().is_empty() {
            return;
        }
        let bare = line.trim_ascii();
        if let Some((b"VERSION:", version)) = bare
            .split_at_checked(8)
            .map(|(name, version)| (name.to_ascii_uppercase(), version))
            .as_ref()
            .map(|(name, version)| (name.as_slice(), version))
        {
            self.old = version.trim_ascii().starts_with(b"2") || version.starts_with(b"1");
        }
        self.lines.push(Logical {
            line: number,
            bytes: line.to_vec(),
            encoding: encoding(line),
        });
    }

    /// An AGENT property without value is followed by a card of its own.
    fn awaits_agent(&self) -> bool {
        let last = self.lines.last().map(|last| last.bytes.trim_ascii());
        last.is_some_and(|last| {
            let name = last.get(..5).unwrap_or_default();
            name.eq_ignore_ascii_case(b"AGENT") && last.ends_with(b":")
        })
    }

    fn append_nested(&mut self, line: &[u8]) {
        if let Some(last) = self.lines.last_mut() {
            last.bytes.push(b'\n');
            last.bytes.extend_from_slice(line);
        }
    }
}

impl Logical {
    /// Takes the line as a continuation if it is one.
    fn goes_on(&mut self, line: &[u8], old: bool) -> bool {
        if self.encoding == Encoding::QuotedPrintable && self.bytes.ends_with(b"=") {
            self.bytes.pop();
            self.bytes.extend_from_slice(line);
            return true;
        }
        if let [b' ' | b'\t', rest @ ..] = line {
            // In 2.1 a line is broken before a blank that belongs to the text; later versions insert one.
            let from = if old && self.encoding == Encoding::Plain {
                line
            } else {
                rest
            };
            self.bytes.extend_from_slice(from);
            return true;
        }
        let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        if self.encoding == Encoding::Base64 && !line.is_empty() && line.iter().all(base64) {
            self.bytes.extend_from_slice(line);
            return true;
        }
        false
    }
}

/// Reads the encoding out of what precedes the value, without caring for the rest.
fn encoding(line: &[u8]) -> Encoding {
    let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
    for parameter in head.split(|byte| *byte == b';').skip(1) {
        let value = parameter.rsplit(|byte| *byte == b'=').next();
        let value = value.unwrap_or_default().trim_ascii();
        if value.eq_ignore_ascii_case(b"QUOTED-PRINTABLE") {
            return Encoding::QuotedPrintable;
        }
        let named = parameter.len() > value.len();
        if value.eq_ignore_ascii_case(b"BASE64") || (named && value.eq_ignore_ascii_case(b"B")) {
            return Encoding::Base64;
        }
    }
    Encoding::Plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &[u8], expect: &[&[&str]], outside: usize) {
        let mut losses = Losses::default();
        let got: Vec<Vec<String>> = cards(file, &mut losses)
            .into_iter()
            .map(|card| {
                let lines = card.lines.into_iter();
                lines
                    .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
                    .collect()
            })
            .collect();
        assert_eq!(got, expect, "{}", String::from_utf8_lossy(file));
        assert_eq!(losses.list().len(), outside);
    }

    #[test]
    fn lines_are_joined_as_their_version_wants() {
        check(b"BEGIN:VCARD\nNOTE:a\n b\nEND:VCARD", &[&["NOTE:ab"]], 0);
        check(
            b"BEGIN:VCARD\rVERSION:2.1\rNOTE:a\r b\rEND:VCARD\r",
            &[&["VERSION:2.1", "NOTE:a b"]],
            0,
        );
        check(
            b"BEGIN:VCARD\r\r\nFN;QUOTED-PRINTABLE:a=\r\r\nb\r\r\nEND:VCARD",
            &[&["FN;QUOTED-PRINTABLE:ab"]],
            0,
        );
        check(
            b"BEGIN:VCARD\nPHOTO;ENCODING=b:AAAA\nBBBB\n\nFN:x\nEND:VCARD",
            &[&["PHOTO;ENCODING=b:AAAABBBB", "FN:x"]],
            0,
        );
    }

    #[test]
    fn cards_are_found_among_rubbish() {
        check(
            b"junk\nBEGIN:VCARD\nFN:a\nBEGIN:VCARD\nFN:b\nEND:VCARD\nEND:VCARD",
            &[&["FN:a"], &["FN:b"]],
            2,
        );
        check(
            b"BEGIN:VCARD\nAGENT:\nBEGIN:VCARD\nFN:b\nEND:VCARD\nFN:a\nEND:VCARD",
            &[&["AGENT:\nBEGIN:VCARD\nFN:b\nEND:VCARD", "FN:a"]],
            0,
        );
        check(
            b"BEGIN:VCARD\nFN;QUOTED-PRINTABLE:a=\nEND:VCARD",
            &[&["FN;QUOTED-PRINTABLE:a="]],
            0,
        );
    }
}
