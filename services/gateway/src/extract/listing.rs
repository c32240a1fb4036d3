//! Lists that people take into a spreadsheet: a page as JSON, or all of it as CSV (RFC 4180), which is sent page by page
//! as it is read.

use std::borrow::Cow;
use std::str::FromStr;

use actix_web::http::header::{self, Accept, Header as _, Quality};
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use futures::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use syncline_store::StoreError;
use utoipa::ToSchema;

use super::{Page, PageQuery};
use crate::problem::Problem;

/// What a table is to HTTP.
const CSV: &str = "text/csv";
/// What a page is.
const JSON: &str = "application/json";
/// Rows read at a time for a table.
const READ: u32 = 1000;
/// With these a spreadsheet takes a cell for a formula, the wide ones in some languages.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
/// What some spreadsheets take for the end of a cell as well, whatever quotes say.
const ENDS: [char; 4] = [';', '\t', '\r', '\n'];

/// As what a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A page of it.
    Json,
    /// All of it, from `after` on.
    Csv,
}

/// What a list has as a row of a table.
pub trait Row: Serialize {
    /// The file's name, without its ending.
    const NAME: &'static str;
    /// The columns.
    const COLUMNS: &'static [&'static str];

    /// A cell for each of them.
    fn cells(&self) -> Vec<String>;
}

/// Answers with a list whose rows `read` gives, by what they come after and how many are wanted: in the format asked for,
/// or else as the `Accept` header says.
pub async fn list<C, R, T, F>(
    request: &HttpRequest,
    format: Option<Format>,
    page: PageQuery,
    read: impl Fn(Option<C>, u32) -> F + 'static,
    cursor: impl Fn(&R) -> String + 'static,
    show: impl Fn(R) -> T + 'static,
) -> Result<HttpResponse, Problem>
where
    C: FromStr + 'static,
    R: 'static,
    T: Row + 'static,
    F: Future<Output = Result<Vec<R>, StoreError>> + 'static,
{
    let limit = page.limit()?;
    if !wants_csv(request, format) {
        let rows = read(page.after()?, limit).await?;
        return Ok(HttpResponse::Ok()
            .insert_header((header::VARY, "accept"))
            .json(Page::new(rows, limit, cursor, show)));
    }
    // Read before the answer begins, so that what goes wrong at once is told as a problem. Later the answer breaks off.
    let first = read(page.after()?, READ).await?;
    let table = Table {
        read,
        cursor,
        show,
        next: Step::First(first),
    };
    let lines = stream::try_unfold(table, |mut table| async move {
        let lines = table.lines().await?;
        Ok::<_, Error>(lines.map(|lines| (lines, table)))
    });
    let name = format!("attachment; filename=\"{}.csv\"", T::NAME);
    Ok(HttpResponse::Ok()
        .insert_header((
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present",
        ))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept"))
        .streaming(lines))
}

/// What is asked for in the query goes over the header. A header that wants both alike wants a table if it names one.
fn wants_csv(request: &HttpRequest, format: Option<Format>) -> bool {
    let accepts = || {
        let accept = Accept::parse(request).unwrap_or_else(|_| Accept::star());
        let (csv, json) = (quality(&accept, CSV), quality(&accept, JSON));
        let is_named = accept.iter().any(|range| range.item.essence_str() == CSV);
        csv > json || csv == json && csv > Quality::ZERO && is_named
    };
    format.map_or_else(accepts, |format| format == Format::Csv)
}

/// How much a kind of content is wanted: what the range says that comes nearest to it.
fn quality(accept: &Accept, kind: &str) -> Quality {
    let nearness = |range: &str| match range.split_once('/') {
        _ if range == kind => Some(2),
        Some((whole, "*")) if kind.starts_with(whole) => Some(1),
        _ => (range == "*/*").then_some(0),
    };
    let ranges = accept.iter().filter_map(|range| {
        let near = nearness(range.item.essence_str())?;
        Some((near, range.quality))
    });
    ranges.max().map_or(Quality::ZERO, |(_, quality)| quality)
}

/// A list on its way out.
struct Table<Read, Cursor, Show, R> {
    read: Read,
    cursor: Cursor,
    show: Show,
    next: Step<R>,
}

enum Step<R> {
    /// The first rows, with the names of the columns before them.
    First(Vec<R>),
    /// Those after a place.
    After(String),
    End,
}

impl<Read, Cursor, Show, R> Table<Read, Cursor, Show, R> {
    /// The next lines; `None` after the last ones.
    async fn lines<C, T, F>(&mut self) -> Result<Option<Bytes>, Problem>
    where
        C: FromStr,
        T: Row,
        F: Future<Output = Result<Vec<R>, StoreError>>,
        Read: Fn(Option<C>, u32) -> F,
        Cursor: Fn(&R) -> String,
        Show: Fn(R) -> T,
    {
        let mut text = String::new();
        let rows = match std::mem::replace(&mut self.next, Step::End) {
            Step::First(rows) => {
                add(&mut text, T::COLUMNS.iter().copied());
                rows
            }
            Step::After(place) => {
                let page = PageQuery {
                    after: Some(place),
                    ..PageQuery::default()
                };
                (self.read)(page.after()?, READ).await?
            }
            Step::End => return Ok(None),
        };
        let last = rows.last().filter(|_| rows.len() >= READ as usize);
        if let Some(last) = last {
            self.next = Step::After((self.cursor)(last));
        }
        for row in rows {
            let cells = (self.show)(row).cells();
            add(&mut text, cells.iter().map(String::as_str));
        }
        Ok(Some(text.into()))
    }
}

/// Adds a line.
fn add<'c>(text: &mut String, cells: impl Iterator<Item = &'c str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&written(cell));
    }
    text.push_str("\r\n");
}

/// A cell as it is written. What a spreadsheet would take for a formula gets an apostrophe before it, at the beginning and
/// after whatever it may take for the beginning of another cell: what stands here came from somebody's contacts.
fn written(cell: &str) -> Cow<'_, str> {
    let mut harmless = String::with_capacity(cell.len());
    let mut begins = true;
    for one in cell.chars() {
        let is_first = harmless.is_empty();
        if begins && FORMULA.contains(&one) && (is_first || !one.is_whitespace()) {
            harmless.push('\'');
        }
        begins = ENDS.contains(&one) || begins && matches!(one, ' ' | '"');
        harmless.push(one);
    }
    if harmless.contains(['"', ',', ';', '\t', '\r', '\n']) {
        return format!("\"{}\"", harmless.replace('"', "\"\"")).into();
    }
    if harmless.len() == cell.len() {
        cell.into()
    } else {
        harmless.into()
    }
}

/// A cell for a word, a time or a side that may not be there.
pub fn cell<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Json::String(text)) => text,
        Ok(Json::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_are_no_formulas() {
        let check = |cell: &str, expect: &str| assert_eq!(written(cell), expect, "{cell:?}");
        check("", "");
        check("Ann", "Ann");
        check("a, b", "\"a, b\"");
        check("say \"x\"", "\"say \"\"x\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check("=1+1", "'=1+1");
        check("+49 30", "'+49 30");
        check("-1", "'-1");
        check("@x", "'@x");
        check("\t=1", "\"'\t'=1\"");
        check(" =1+1", " '=1+1");
        check("\"=1", "\"\"\"'=1\"");
        check("＝1", "'＝1");
        check("a;b", "\"a;b\"");
        check("a;=1", "\"a;'=1\"");
        check("a; \t-1", "\"a; \t'-1\"");
        check("two\n\nlines", "\"two\n\nlines\"");
        check("two\n=lines", "\"two\n'=lines\"");
        check("a-b; c+d", "\"a-b; c+d\"");
        check("=a,b", "\"'=a,b\"");
        check("a=b", "a=b");
    }

    #[derive(Serialize)]
    struct Number(u32);

    impl Row for Number {
        const NAME: &'static str = "numbers";
        const COLUMNS: &'static [&'static str] = &["number", "twice"];

        fn cells(&self) -> Vec<String> {
            vec![self.0.to_string(), (self.0 * 2).to_string()]
        }
    }

    /// However many rows there are, they come once each and no more than a few are held at a time.
    #[actix_web::test]
    async fn a_table_is_read_to_its_end() {
        for all in [0, 1, READ - 1, READ, READ + 1, 3 * READ] {
            let read = move |after: Option<u32>, limit: u32| {
                let from = after.map_or(0, |after| after + 1);
                let rows: Vec<u32> = (from..all).take(limit as usize).collect();
                std::future::ready(Ok::<_, StoreError>(rows))
            };
            let first = read(None, READ).await.expect("rows");
            let mut table = Table {
                read,
                cursor: |number: &u32| number.to_string(),
                show: Number,
                next: Step::First(first),
            };
            let mut text = String::new();
            while let Some(lines) = table.lines().await.expect("lines") {
                assert!(lines.len() < 20 * READ as usize, "{} bytes", lines.len());
                text.push_str(std::str::from_utf8(&lines).expect("a text"));
            }
            let rows = (0..all).map(|number| format!("{number},{}\r\n", number * 2));
            let expect: String = std::iter::once("number,twice\r\n".to_owned())
                .chain(rows)
                .collect();
            assert_eq!(text, expect, "{all}");
        }
    }

    #[test]
    fn the_query_says_which_format_and_else_the_header() {
        let check = |accept: Option<&str>, format, expect: bool| {
            let mut request = TestRequest::default();
            if let Some(accept) = accept {
                request = request.insert_header((header::ACCEPT, accept));
            }
            let found = wants_csv(&request.to_http_request(), format);
            assert_eq!(found, expect, "{accept:?} {format:?}");
        };
        check(None, None, false);
        check(Some("*/*"), None, false);
        check(Some("application/json"), None, false);
        check(Some("text/csv"), None, true);
        check(Some("text/html, Text/CSV;q=0.9"), None, true);
        check(Some("text/csv;q=0"), None, false);
        check(Some("*/*, text/csv; Q=0.000"), None, false);
        check(Some("text/csv;header=present;q=0.5"), None, true);
        check(Some("application/json, text/csv;q=0.5"), None, false);
        check(Some("application/json;q=0.5, text/csv"), None, true);
        check(Some("application/json, text/csv"), None, true);
        check(Some("*/*, text/csv;q=0.1"), None, false);
        check(Some("*/*;q=0.1, text/csv;q=0.2"), None, true);
        check(Some("application/*, text/csv;q=0.9"), None, false);
        check(Some("text/*, application/json;q=0.9"), None, true);
        check(Some("text/*;q=0.1, */*"), None, false);
        check(Some("text/html, */*;q=0.8"), None, false);
        check(Some("text/csv, */*"), None, true);
        check(Some("text/csv;q=0.1, application/json;q=0"), None, true);
        check(Some("text/csv;q=many"), None, false);
        check(Some("text/csv-schema"), None, false);
        check(Some("*, , /, text/csv"), None, true);
        check(Some(""), None, false);
        check(Some("text/csv"), Some(Format::Json), false);
        check(None, Some(Format::Csv), true);
    }
}
