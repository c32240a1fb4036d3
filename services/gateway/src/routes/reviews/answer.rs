//! `POST /v1/problems/{id}/answer`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use syncline_model::{Answer, ProblemId, RemoteId, ReviewId};
use syncline_store::StoreError;
use utoipa::ToSchema;

use crate::auth::CanWrite;
use crate::extract::{Body, Checked, Findings, Id};
use crate::problem::{Code, Problem, ProblemBody};
use crate::routes::connections::run_now;
use crate::schema;
use crate::state::State;
use crate::wire::SaidReview;

/// Who the record is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerToProblem {
    /// The answer.
    #[schema(value_type = schema::Answer)]
    answer: Answer,
}

impl Checked for AnswerToProblem {
    fn check(&self, _: &mut Findings) {}
}

/// Say which of several a record is
///
/// For problems whose reason is `ambiguous`. The answer is remembered for the two accounts, and a run of the connection
/// begins that carries it out; while the connection is paused, its next run does. `DELETE /v1/reviews/{id}` takes it back.
#[utoipa::path(post, path = "/v1/problems/{id}/answer", operation_id = "answer_problem", tag = "records",
    params(("id" = schema::ProblemId, Path)), request_body = AnswerToProblem,
    responses((status = 201, description = "Remembered", body = SaidReview),
              (status = 409, description = "`wrong_state`: it is settled already, or asks nothing", body = ProblemBody, content_type = "application/problem+json"),
              (status = 422, description = "`invalid`: not one of the candidates", body = ProblemBody, content_type = "application/problem+json")))]
pub async fn handle(
    state: web::Data<State>,
    CanWrite(caller): CanWrite,
    Id(id): Id<ProblemId>,
    body: Result<Body<AnswerToProblem>, Problem>,
) -> Result<HttpResponse, Problem> {
    let asked = caller.rows.problem_get(id).await?;
    let Body(body) = body?;
    if let Answer::Link(with) = &body.answer
        && !asked.candidates.contains(with)
    {
        not_a_candidate(&asked.candidates)?;
    }
    let review = ReviewId::from_uuid(state.ids.next());
    let now = state.clock.now();
    match caller
        .rows
        .review_answer(review, id, &body.answer, now)
        .await
    {
        Err(StoreError::Conflict { .. }) => Err(Problem::new(
            Code::WrongState,
            "Only an open problem whose reason is `ambiguous` asks who a record is.",
        )),
        answered => {
            let review = answered?.into();
            let runs = run_now::carry_out(&state, &caller, &[asked.connection]).await;
            Ok(HttpResponse::build(StatusCode::CREATED).json(SaidReview { review, runs }))
        }
    }
}

fn not_a_candidate(candidates: &[RemoteId]) -> Result<(), Problem> {
    let names: Vec<&str> = candidates.iter().map(RemoteId::as_str).collect();
    let mut findings = Findings::default();
    let message = if names.is_empty() {
        "There are too many to choose from: answer `create` or `keep_apart`, or change the records."
            .to_owned()
    } else {
        format!("Must be one of the candidates: {}.", names.join(", "))
    };
    findings.add("/answer/link", message);
    findings.into_result()
}
