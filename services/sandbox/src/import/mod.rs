//! Reads a person's own address-book exports, so that the sandbox can be tried out with real contacts:
//! Google Contacts CSV (both header sets), Outlook CSV, vCard 2.1, 3.0 and 4.0.
//!
//! Bytes in, contacts and losses out: [`read`] makes neutral [`ImportedContact`]s, [`to_zoho`] and [`to_google`]
//! turn one into the body its provider would hold. Whatever could not be kept is named in a [`Loss`].
//! Not here: files, HTTP, accounts, ids. Nothing in this module checks that an address or a number is real.

mod charset;
mod columns;
mod contact;
mod csv_file;
mod dates;
mod google;
mod labels;
mod loss;
mod vcard;
mod zoho;
mod zoho_values;

pub use contact::{
    Address, Event, ImportedContact, Labelled, Leftover, Names, Organisation, PartialDate, Photo,
};
pub use google::{GooglePerson, to_google};
pub use loss::{Fate, LoadReport, Loss, Losses};
pub use zoho::{COMPANY_FIELD, to_zoho};

/// The largest file that is read, in bytes. An export of 10,000 contacts with photos stays well below.
pub const MAX_FILE_BYTES: usize = 512 * 1024 * 1024;

/// The most contacts read from one file; the rest is named as lost.
pub const MAX_CONTACTS: usize = 100_000;

/// What kind of file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-, semicolon- or tab-separated text with a header row.
    Csv,
    /// One or more vCards, of any version.
    Vcard,
}

/// Everything one file held.
#[derive(Debug, Clone)]
pub struct Import {
    /// What the file turned out to be.
    pub format: Format,
    /// The contacts, in the order of the file. Groups are not contacts: they became labels.
    pub contacts: Vec<ImportedContact>,
    /// What could not be read, or was read by a guess; of the file and of each contact.
    pub losses: Vec<Loss>,
}

/// Why a whole file could not be read. Anything smaller is a [`Loss`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// There is nothing in the file.
    #[error("{file}: the file is empty")]
    Empty {
        /// The file's name as given.
        file: String,
    },
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("{file}: the file has {bytes} bytes; at most {MAX_FILE_BYTES} are read")]
    TooLarge {
        /// The file's name as given.
        file: String,
        /// Its size.
        bytes: usize,
    },
    /// The file is text in an encoding that is not read.
    #[error("{file}: the file is {encoding} text, which is not read; export it as UTF-8")]
    Encoding {
        /// The file's name as given.
        file: String,
        /// The encoding's name.
        encoding: &'static str,
    },
    /// The file is no text: a picture, a spreadsheet, an archive.
    #[error("{file}: not a text file; export the contacts as vCard (.vcf) or as Google CSV (.csv)")]
    NotText {
        /// The file's name as given.
        file: String,
    },
    /// Neither a vCard nor a table with a column that means a name, an e-mail address or a phone number.
    #[error("{file}: neither a vCard nor a contacts CSV (no column is known: {columns})")]
    NotAnAddressBook {
        /// The file's name as given.
        file: String,
        /// The first columns found, shortened.
        columns: String,
    },
}

/// Reads an export. `file_name` serves the messages, and its ending settles what the bytes leave open.
///
/// # Errors
/// Only if nothing of the file can be read: see [`ImportError`].
pub fn read(bytes: &[u8], file_name: &str) -> Result<Import, ImportError> {
    let file = || file_name.to_owned();
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ImportError::TooLarge {
            file: file(),
            bytes: bytes.len(),
        });
    }
    let mut losses = Losses::default();
    let plain =
        charset::unwrap_file(bytes, &mut losses).map_err(|encoding| ImportError::Encoding {
            file: file(),
            encoding,
        })?;
    if plain.iter().all(u8::is_ascii_whitespace) {
        return Err(ImportError::Empty { file: file() });
    }
    if is_vcard(&plain, file_name) {
        let contacts = vcard::read(&plain, &mut losses);
        return Ok(Import {
            format: Format::Vcard,
            contacts,
            losses: losses.into_vec(),
        });
    }
    let contacts = csv_file::read(&plain, &mut losses).map_err(|columns| {
        if plain.contains(&0) {
            return ImportError::NotText { file: file() };
        }
        ImportError::NotAnAddressBook {
            file: file(),
            columns,
        }
    })?;
    Ok(Import {
        format: Format::Csv,
        contacts,
        losses: losses.into_vec(),
    })
}

/// A file that starts with a card is one; so is a file not called `.csv` that has a card anywhere.
fn is_vcard(plain: &[u8], file_name: &str) -> bool {
    let mut lines = vcard::physical_lines(plain).filter(|line| !line.trim_ascii().is_empty());
    if lines.next().is_some_and(vcard::is_begin) {
        return true;
    }
    let called_csv = file_name
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("csv"));
    !called_csv && lines.any(vcard::is_begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], file: &str, expect: Result<(Format, usize), &str>) {
        let got = read(bytes, file);
        match (got, expect) {
            (Ok(import), Ok(expect)) => {
                assert_eq!((import.format, import.contacts.len()), expect, "{file}");
            }
            (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
            (got, expect) => panic!("{file}: expected {expect:?}, got {got:?}"),
        }
    }

    #[test]
    fn formats_are_told_apart_by_content_first() {
        let card = b"\r\nbegin:vcard\r\nFN:Ann\r\nEND:VCARD\r\n";
        check(card, "a.csv", Ok((Format::Vcard, 1)));
        check(
            b"First Name,Notes\nAnn,\"BEGIN:VCARD\n\"\n",
            "a.csv",
            Ok((Format::Csv, 1)),
        );
        check(
            b"exported by an app\nBEGIN:VCARD\nFN:Ann\nEND:VCARD\n",
            "a.vcf",
            Ok((Format::Vcard, 1)),
        );
        check(b"", "a.vcf", Err("empty"));
        check(b" \r\n", "a.csv", Err("empty"));
        check(b"\xFF\xFE\0\0B\0\0\0", "a.csv", Err("UTF-32"));
        check(b"hello world", "a.csv", Err("hello world"));
        check(
            b"\x7FELF\x02\x01\0\0\x03\n",
            "a.vcf",
            Err("not a text file"),
        );
        check(b"PK\x03\x04\0\x08\n,", "a.csv", Err("not a text file"));
    }
}
