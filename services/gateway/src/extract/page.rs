//! Lists: `?limit=&after=` in, `{data, next}` out. A cursor is opaque to callers.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::web::{self, Json};
use actix_web::{FromRequest, HttpRequest, dev};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
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
                format!("The query is not valid: {error}."),
            )),
        })
    }
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
