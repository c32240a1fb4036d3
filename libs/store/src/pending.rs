//! Signatures whose bodies follow.
#![allow(
    missing_docs,
    clippy::unimplemented,
    clippy::unused_async,
    unused_variables
)]
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use syncline_model::*;
use syncline_platform::seal::KeyRing;

use crate::*;

type Time = DateTime<Utc>;

impl Store {
    pub async fn open(url: &str, keys: KeyRing) -> Result<Self> {
        unimplemented!()
    }
    pub async fn migrate(&self) -> Result<()> {
        unimplemented!()
    }
    pub async fn ping(&self) -> Result<()> {
        unimplemented!()
    }
    pub async fn close(&self) {
        unimplemented!()
    }
    /// NotFound when there is no such tenant.
    pub async fn scope(&self, tenant: TenantId) -> Result<Scope> {
        unimplemented!()
    }
    /// Conflict{what: "email"} when the address is taken.
    pub async fn signup(&self, tenant: &NewTenant, member: &NewMember) -> Result<Member> {
        unimplemented!()
    }
    /// With the password hash.
    pub async fn member_by_email(&self, email: &str) -> Result<Option<(Member, String)>> {
        unimplemented!()
    }
    pub async fn tenant_delete(&self, tenant: TenantId) -> Result<()> {
        unimplemented!()
    }
    pub async fn session_create(&self, session: &NewSession) -> Result<()> {
        unimplemented!()
    }
    /// NotFound when unknown, expired, revoked or used before (which revokes its whole family).
    pub async fn session_rotate(
        &self,
        old_hash: &[u8],
        new_hash: &[u8],
        new_expires_at: Time,
        now: Time,
    ) -> Result<Member> {
        unimplemented!()
    }
    pub async fn session_revoke(&self, token_hash: &[u8]) -> Result<()> {
        unimplemented!()
    }
    /// Only keys that are not revoked.
    pub async fn api_key_by_hash(&self, hash: &[u8]) -> Result<Option<(TenantId, ApiKey)>> {
        unimplemented!()
    }
    pub async fn oauth_state_take(&self, state_hash: &[u8], now: Time) -> Result<OauthState> {
        unimplemented!()
    }
    pub async fn connections_due(
        &self,
        now: Time,
        limit: u32,
    ) -> Result<Vec<(TenantId, ConnectionId)>> {
        unimplemented!()
    }
    pub async fn runs_due(&self, now: Time, limit: u32) -> Result<Vec<(TenantId, RunId)>> {
        unimplemented!()
    }
}

impl Scope {
    pub fn tenant(&self) -> TenantId {
        self.0
    }
    pub async fn tenant_name(&self) -> Result<String> {
        unimplemented!()
    }
    pub async fn member_get(&self, id: MemberId) -> Result<Member> {
        unimplemented!()
    }

    pub async fn api_key_create(&self, key: &NewApiKey) -> Result<ApiKey> {
        unimplemented!()
    }
    pub async fn api_key_list(&self, after: Option<ApiKeyId>, limit: u32) -> Result<Vec<ApiKey>> {
        unimplemented!()
    }
    pub async fn api_key_revoke(&self, id: ApiKeyId, now: Time) -> Result<()> {
        unimplemented!()
    }
    /// Key and request as the gateway scopes and hashes them.
    pub async fn idempotency_begin(
        &self,
        key: &str,
        request_hash: &[u8],
        now: Time,
    ) -> Result<Idempotency> {
        unimplemented!()
    }
    pub async fn idempotency_finish(&self, key: &str, status: u16, body: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub async fn idempotency_abandon(&self, key: &str) -> Result<()> {
        unimplemented!()
    }

    pub async fn account_create(&self, account: &Account) -> Result<()> {
        unimplemented!()
    }
    pub async fn account_get(&self, id: AccountId) -> Result<Account> {
        unimplemented!()
    }
    pub async fn account_list(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>> {
        unimplemented!()
    }
    /// Conflict{what: "account is used by a connection"}.
    pub async fn account_delete(&self, id: AccountId) -> Result<()> {
        unimplemented!()
    }
    pub async fn account_status_set(&self, id: AccountId, status: &AccountStatus) -> Result<()> {
        unimplemented!()
    }
    pub async fn account_identity_set(&self, id: AccountId, identity: &Identity) -> Result<()> {
        unimplemented!()
    }
    /// Plaintext JSON and its version.
    pub async fn credentials_get(&self, id: AccountId) -> Result<Option<(Vec<u8>, i64)>> {
        unimplemented!()
    }
    /// Some(version): compare-and-swap; None: overwrite whatever is there.
    pub async fn credentials_put(
        &self,
        id: AccountId,
        plaintext: &[u8],
        expected_version: Option<i64>,
    ) -> Result<i64> {
        unimplemented!()
    }
    pub async fn oauth_state_create(&self, state: &NewOauthState) -> Result<()> {
        unimplemented!()
    }

    pub async fn pair_for(
        &self,
        a: AccountId,
        b: AccountId,
        object: ObjectType,
        new_id: PairId,
    ) -> Result<PairId> {
        unimplemented!()
    }
    pub async fn connection_create(
        &self,
        connection: &Connection,
        next_run_at: Option<Time>,
    ) -> Result<()> {
        unimplemented!()
    }
    pub async fn connection_get(&self, id: ConnectionId) -> Result<Connection> {
        unimplemented!()
    }
    pub async fn connection_list(
        &self,
        after: Option<ConnectionId>,
        limit: u32,
    ) -> Result<Vec<Connection>> {
        unimplemented!()
    }
    /// Writes everything but id, pair, accounts, created_at; Conflict{what: "revision"}. Answers with the new row.
    pub async fn connection_update(
        &self,
        connection: &Connection,
        expected_revision: i64,
    ) -> Result<Connection> {
        unimplemented!()
    }
    pub async fn connection_delete(&self, id: ConnectionId) -> Result<()> {
        unimplemented!()
    }
    pub async fn connection_status_set(
        &self,
        id: ConnectionId,
        status: &ConnectionStatus,
        now: Time,
    ) -> Result<Connection> {
        unimplemented!()
    }
    pub async fn connection_next_run_at(&self, id: ConnectionId) -> Result<Option<Time>> {
        unimplemented!()
    }
    pub async fn connection_schedule_next(
        &self,
        id: ConnectionId,
        next_run_at: Option<Time>,
    ) -> Result<()> {
        unimplemented!()
    }
    pub async fn connection_request_repull(&self, id: ConnectionId) -> Result<()> {
        unimplemented!()
    }
    /// At the start of a run: if a repull was requested, forgets the request and the cursors, and says true.
    pub async fn connection_take_repull(&self, id: ConnectionId) -> Result<bool> {
        unimplemented!()
    }
    pub async fn cursor_get(&self, connection: ConnectionId, side: Side) -> Result<Option<String>> {
        unimplemented!()
    }
    pub async fn cursor_put(&self, lease: &Lease, side: Side, cursor: &str) -> Result<()> {
        unimplemented!()
    }
    pub async fn cursor_clear(&self, connection: ConnectionId, side: Side) -> Result<()> {
        unimplemented!()
    }

    /// The run made, or the unfinished one that was there, and whether it was made.
    pub async fn run_enqueue(&self, run: &NewRun) -> Result<(Run, bool)> {
        unimplemented!()
    }
    pub async fn run_get(&self, id: RunId) -> Result<Run> {
        unimplemented!()
    }
    /// Newest first.
    pub async fn run_list(
        &self,
        connection: ConnectionId,
        after: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>> {
        unimplemented!()
    }
    pub async fn run_claim(
        &self,
        run: RunId,
        now: Time,
        lease_until: Time,
        worker: &str,
    ) -> Result<Option<Lease>> {
        unimplemented!()
    }
    pub async fn run_heartbeat(&self, lease: &Lease, lease_until: Time) -> Result<()> {
        unimplemented!()
    }
    /// Saves the worker's notes, adds counters.
    pub async fn run_checkpoint(
        &self,
        lease: &Lease,
        progress: &Json,
        counters: &Counters,
    ) -> Result<()> {
        unimplemented!()
    }
    pub async fn run_release(&self, lease: &Lease, release: &Release) -> Result<()> {
        unimplemented!()
    }
    pub async fn run_finish(&self, lease: &Lease, finish: &Finish) -> Result<()> {
        unimplemented!()
    }
    /// Conflict when it is over already.
    pub async fn run_cancel(&self, run: RunId, now: Time) -> Result<Run> {
        unimplemented!()
    }
    /// Parked -> queued, approved; its held staged rows -> pending. Conflict when not parked or another run is unfinished.
    pub async fn run_approve(&self, run: RunId, now: Time) -> Result<Run> {
        unimplemented!()
    }

    /// One transaction: upserts, the run's notes, `pulled` counter. Each remote at most once in items.
    pub async fn stage_page(
        &self,
        lease: &Lease,
        listing: Option<i64>,
        items: &[Staged],
        progress: &Json,
    ) -> Result<()> {
        unimplemented!()
    }
    /// In (side, remote) order, strictly after the cursor.
    pub async fn staged_pending(
        &self,
        connection: ConnectionId,
        after: Option<&(Side, RemoteId)>,
        limit: u32,
    ) -> Result<Vec<Staged>> {
        unimplemented!()
    }
    pub async fn staged_get(
        &self,
        connection: ConnectionId,
        side: Side,
        remotes: &[RemoteId],
    ) -> Result<Vec<Staged>> {
        unimplemented!()
    }
    pub async fn staged_candidates(
        &self,
        connection: ConnectionId,
        side: Side,
        keys: &[String],
    ) -> Result<Candidates> {
        unimplemented!()
    }
    pub async fn staged_counts(&self, connection: ConnectionId) -> Result<StagedCounts> {
        unimplemented!()
    }
    pub async fn staged_phase_set(&self, lease: &Lease, phases: &[StagedPhase]) -> Result<()> {
        unimplemented!()
    }
    /// Rules changed: known and waiting -> pending.
    pub async fn staged_requeue_all(&self, connection: ConnectionId) -> Result<u64> {
        unimplemented!()
    }
    /// Waiting and due -> pending.
    pub async fn staged_wake(&self, connection: ConnectionId, now: Time) -> Result<u64> {
        unimplemented!()
    }
    /// Records of live or frozen links that this listing did not stage; ordered by remote id, strictly after the cursor.
    pub async fn staged_absent(
        &self,
        connection: ConnectionId,
        side: Side,
        listing: i64,
        after: Option<&RemoteId>,
        limit: u32,
    ) -> Result<Vec<RemoteId>> {
        unimplemented!()
    }
    /// Drops present staged rows of the side that this complete listing did not stage.
    pub async fn staged_forget_unseen(
        &self,
        lease: &Lease,
        side: Side,
        listing: i64,
    ) -> Result<u64> {
        unimplemented!()
    }

    pub async fn links_by_remote(
        &self,
        pair: PairId,
        side: Side,
        remotes: &[RemoteId],
    ) -> Result<Vec<Link>> {
        unimplemented!()
    }
    pub async fn links_get(&self, ids: &[LinkId]) -> Result<Vec<Link>> {
        unimplemented!()
    }
    pub async fn link_get(&self, id: LinkId) -> Result<Link> {
        unimplemented!()
    }
    pub async fn link_list(
        &self,
        pair: PairId,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<Link>> {
        unimplemented!()
    }
    /// Live ones.
    pub async fn link_count(&self, pair: PairId) -> Result<u64> {
        unimplemented!()
    }
    pub async fn links_dirty(
        &self,
        pair: PairId,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<DirtyLink>> {
        unimplemented!()
    }

    pub async fn intend(&self, lease: &Lease, intentions: &Intentions) -> Result<()> {
        unimplemented!()
    }
    pub async fn intents_open(&self, connection: ConnectionId, limit: u32) -> Result<Vec<Intent>> {
        unimplemented!()
    }
    pub async fn settle(&self, lease: &Lease, settlement: &Settlement) -> Result<()> {
        unimplemented!()
    }

    pub async fn history_by_run(
        &self,
        run: RunId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryRow>> {
        unimplemented!()
    }
    pub async fn history_by_link(
        &self,
        link: LinkId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryRow>> {
        unimplemented!()
    }
    pub async fn conflict_list(
        &self,
        connection: ConnectionId,
        status: Option<ConflictStatus>,
        after: Option<ConflictId>,
        limit: u32,
    ) -> Result<Vec<Conflict>> {
        unimplemented!()
    }
    pub async fn conflict_get(&self, id: ConflictId) -> Result<Conflict> {
        unimplemented!()
    }
    /// Conflict when it is not open.
    pub async fn conflict_resolve(&self, id: ConflictId, winner: Side) -> Result<Conflict> {
        unimplemented!()
    }
    pub async fn problem_list(
        &self,
        connection: ConnectionId,
        status: Option<ProblemStatus>,
        after: Option<ProblemId>,
        limit: u32,
    ) -> Result<Vec<Problem>> {
        unimplemented!()
    }
    pub async fn problem_get(&self, id: ProblemId) -> Result<Problem> {
        unimplemented!()
    }
    pub async fn problem_close(&self, id: ProblemId, now: Time) -> Result<Problem> {
        unimplemented!()
    }
    /// Deletions carried over from each side since then.
    pub async fn deletions_since(
        &self,
        connection: ConnectionId,
        since: Time,
    ) -> Result<Sides<u64>> {
        unimplemented!()
    }
}
