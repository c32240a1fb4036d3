//! Lists: `?limit=&after=` in, `{data, next}` out. A cursor is opaque to callers.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::error::QueryPayloadError;
use actix_web::web::{self, Json};
use actix_web::{FromRequest, HttpRequest, dev};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use syncline_store::StoreError;
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Code, Problem};

/// Items on a page when the caller does not say.
const USUAL: u32 = 50;
/// Most items on a page.
const MOST: u32 = 200;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items on the page, 1 to 200; 50 when left out.
    #[param(minimum = 1, maximum = 200)]
    #[serde(default, deserialize_with = "page_limit")]
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub after: Option<String>,
}

impl PageQuery {
    /// Items on the page.
    pub fn limit(&self) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(USUAL);
        if (1..=MOST).contains(&limit) {
            Ok(limit)
        } else {
            Err(Problem::new(
                Code::InvalidParameter,
                format!("`limit` is 1 to {MOST}."),
            ))
        }
    }

    /// The cursor, in the form that the list uses.
    pub fn after<T: FromStr>(&self) -> Result<Option<T>, Problem> {
        self.after
            .as_deref()
            .map(|text| {
                text.parse().map_err(|_| {
                    Problem::new(
                        Code::InvalidParameter,
                        "`after` is not the `next` of a page of this list.",
                    )
                })
            })
            .transpose()
    }

    /// The page of a list whose rows `read` gives, by what they come after and how many are wanted.
    pub async fn page<C: FromStr, R, T, F>(
        &self,
        read: impl FnOnce(Option<C>, u32) -> F,
        cursor: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> Result<Json<Page<T>>, Problem>
    where
        F: Future<Output = Result<Vec<R>, StoreError>>,
    {
        let limit = self.limit()?;
        let rows = read(self.after()?, limit).await?;
        Ok(Json(Page::new(rows, limit, cursor, show)))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub data: Vec<T>,
    /// What to send as `after` for the next page; null on the last one.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from its rows: a full page has a next one, which begins after its last row.
    pub fn new<R>(
        rows: Vec<R>,
        limit: u32,
        cursor: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> Self {
        let full = rows.len() >= limit as usize;
        let next = rows.last().filter(|_| full).map(cursor);
        Self {
            data: rows.into_iter().map(show).collect(),
            next,
        }
    }
}

/// The query of a request, with no unknown parameters.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let query = web::Query::<T>::from_query(request.query_string());
        ready(match query {
            Ok(query) => Ok(Self(query.into_inner())),
            Err(error) => Err(Problem::new(
                Code::InvalidParameter,
                format!("The query is not valid: {}.", told(&error)),
            )),
        })
    }
}

/// What is wrong, without the library's own words before it.
fn told(error: &QueryPayloadError) -> String {
    match error {
        QueryPayloadError::Deserialize(what) => what.to_string(),
        other => other.to_string(),
    }
}

/// A number, named if it is none: a query's own errors do not say of which parameter they are.
pub fn page_limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(from)?;
    let whole = text.parse();
    whole
        .map(Some)
        .map_err(|_| D::Error::custom(format!("`limit` is a whole number from 1 to {MOST}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_page_has_a_next_one() {
        let check = |rows: Vec<u32>, next: Option<&str>| {
            let page = Page::new(rows, 2, ToString::to_string, |n| n);
            assert_eq!(page.next.as_deref(), next);
        };
        check(vec![], None);
        check(vec![1], None);
        check(vec![1, 2], Some("2"));
    }

    #[test]
    fn what_is_wrong_with_a_query_names_its_parameter() {
        let check = |query: &str, want: &str| {
            let error = web::Query::<PageQuery>::from_query(query).expect_err(query);
            assert_eq!(told(&error), want, "{query}");
        };
        check("limit=many", "`limit` is a whole number from 1 to 200");
        check("limit=-1", "`limit` is a whole number from 1 to 200");
        check(
            "lmit=2",
            "unknown field `lmit`, expected `limit` or `after`",
        );
        let page = web::Query::<PageQuery>::from_query("after=x").expect("a page");
        assert_eq!((page.limit, page.after.as_deref()), (None, Some("x")));
    }

    #[test]
    fn limits_are_held() {
        let check = |limit: Option<u32>, want: Option<u32>| {
            let query = PageQuery { limit, after: None };
            assert_eq!(query.limit().ok(), want, "{limit:?}");
        };
        check(None, Some(50));
        check(Some(1), Some(1));
        check(Some(200), Some(200));
        check(Some(0), None);
        check(Some(201), None);
    }
}
