//! Everything that the steps of one slice work with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use syncline_connector::{Connector, Session};
use syncline_coordination::{Phase, ProgressEvent};
use syncline_engine::{Allowance, Policy, PolicyInput, default_mapping};
use syncline_model::{
    ClockSkew, Connection, Counters, DeletionPolicy, FieldName, Mapping, MappingChoice,
    MappingEntry, PausedEntry, Run, RunId, RunState, Side, Sides, Tariff,
};
use syncline_platform::{Shutdown, clock::later};
use syncline_store::{Lease, Pair, Scope, Settlement, Staged, StoreError};
use tokio::sync::Mutex;

use super::clocks::ClockWatch;
use super::held::Held;
use super::kin;
use super::limit;
use super::neighbours::{self, Neighbour};
use super::notes::Notes;
use crate::{Tools, Trouble};

/// One side, opened.
pub struct OpenSide {
    /// Its connector.
    pub connector: Arc<dyn Connector>,
    /// Its account's session.
    pub session: Session,
    /// Watches its provider's clock.
    pub clock: Arc<ClockWatch>,
    /// The collection.
    pub collection: String,
    /// Whether the collection is all that the account has, so that a record outside it cannot exist.
    pub everything: bool,
    /// Whether we can put records into the collection and take them out.
    pub movable: bool,
    /// The fields to ask for.
    pub fields: Vec<FieldName>,
}

/// Everything that the steps of one slice work with.
pub struct RunContext<'a> {
    /// The worker's tools.
    pub tools: &'a Tools,
    /// The tenant's rows.
    pub scope: Scope,
    /// The right to execute.
    pub lease: Lease,
    /// The run as it was claimed.
    pub run: &'a Run,
    /// What is synced.
    pub connection: Connection,
    /// The connection, compiled.
    pub policy: Policy,
    /// The two sides.
    pub sides: Sides<OpenSide>,
    /// Other connections that have a side's collection as well, as far as records are taken out of it.
    pub neighbours: Sides<Vec<Neighbour>>,
    /// Other pairs of the tenant's accounts that lead from one side to the other as well; none where there is no ring.
    pub routes: Vec<Pair>,
    /// How far the run is.
    pub notes: Mutex<Notes>,
    /// When this slice should end.
    pub slice_ends: DateTime<Utc>,
    stop: &'a Shutdown,
    moved: AtomicBool,
    looked: Sides<AtomicBool>,
    counters: std::sync::Mutex<Counters>,
    most: Allowance,
}

impl<'a> RunContext<'a> {
    /// Opens both accounts and compiles the connection against what they really have. What it opens writes only while
    /// the lease is held. `paused` are the mapping entries that rested in the last run; which do now is noted.
    pub async fn open(
        tools: &'a Tools,
        stop: &'a Shutdown,
        scope: Scope,
        lease: Lease,
        run: &'a Run,
        (connection, paused, tariff): (Connection, Vec<PausedEntry>, &Tariff),
        held: Arc<Held>,
    ) -> Result<Self, Trouble> {
        let mut notes = Notes::read(&run.progress);
        notes.approve(run, tools.clock.now());
        // What is remembered of the accounts may be older than what the connection says of them.
        let forget = || {
            for side in Side::BOTH {
                tools.shapes.forget(connection.sides.get(side).account);
            }
        };
        if !paused.is_empty() {
            forget();
        }
        let mut opened = open_both(tools, &scope, &connection, &held).await;
        let is_news = match &opened {
            Ok(opened) => opened.paused != paused,
            Err(trouble) => matches!(trouble, Trouble::Config(_)),
        };
        if is_news {
            forget();
            opened = open_both(tools, &scope, &connection, &held).await;
        }
        let Opened {
            sides,
            policy,
            mapping,
            paused: rest,
        } = opened?;
        limit::check(tariff, &connection, &sides)?;
        let most = limit::most(tools, &scope, run, tariff, &sides).await?;
        if rest != paused {
            let goes_on = |entry: &MappingEntry| {
                let is = |one: &PausedEntry| (&one.a, &one.b) == (&entry.a, &entry.b);
                paused.iter().any(is) && !rest.iter().any(is)
            };
            let repull = mapping.entries.iter().any(goes_on);
            scope
                .connection_pause_entries(&lease, &rest, repull)
                .await?;
        }
        let routes = kin::routes(&scope, &connection).await?;
        let neighbours = neighbours::find(&scope, &connection, &policy).await?;
        Ok(Self {
            slice_ends: later(tools.clock.now(), tools.settings.slice),
            tools,
            scope,
            lease,
            run,
            connection,
            policy,
            sides,
            neighbours,
            routes,
            notes: Mutex::new(notes),
            stop,
            moved: AtomicBool::new(false),
            looked: Sides::default(),
            counters: std::sync::Mutex::new(run.counters),
            most,
        })
    }

    /// Asked between two pieces of work: whether the slice should end here. Its time is used up, the worker is to stop,
    /// or the connection is not as it was when it was compiled.
    pub async fn border(&self) -> Result<bool, Trouble> {
        let over = self.stop.is_triggered() || self.tools.clock.now() >= self.slice_ends;
        Ok(over || self.edited().await?)
    }

    /// Whether the connection was edited, paused or deleted since it was compiled.
    pub async fn edited(&self) -> Result<bool, Trouble> {
        match self.scope.connection_revision(self.connection.id).await {
            Err(StoreError::NotFound) => Ok(true),
            revision => Ok(revision? != self.connection.revision),
        }
    }

    /// Whether the run has read anything yet.
    pub async fn has_begun_to_pull(&self) -> bool {
        let pull = &self.notes.lock().await.pull;
        pull.a.begun || pull.b.begun
    }

    /// Whether a side's fields were looked at in this slice, and were all there.
    pub fn has_looked(&self, side: Side) -> bool {
        self.looked.get(side).load(Ordering::Relaxed)
    }

    /// Notes that they were.
    pub fn looked(&self, side: Side) {
        self.looked.get(side).store(true, Ordering::Relaxed);
    }

    /// Notes that something became true in this slice, so that its attempts count anew.
    pub fn mark_moved(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    /// Whether anything became true in this slice.
    pub fn moved(&self) -> bool {
        self.moved.load(Ordering::Relaxed)
    }

    /// Keeps a page of records, and the notes with it.
    pub async fn stage(
        &self,
        listing: Option<i64>,
        items: &[Staged],
        notes: &serde_json::Value,
    ) -> Result<(), Trouble> {
        let staged = self.scope.stage_page(&self.lease, listing, items, notes);
        staged.await?;
        self.locked().pulled += items.len() as u64;
        Ok(())
    }

    /// Writes what is now true.
    pub async fn settle(&self, settlement: &Settlement) -> Result<(), Trouble> {
        self.scope.settle(&self.lease, settlement).await?;
        self.locked().add(&settlement.counters);
        Ok(())
    }

    /// What the run did so far, as its row says: whoever holds the lease is the only one to write it.
    pub fn counters(&self) -> Counters {
        *self.locked()
    }

    /// How many more records may be created and updated on each side in this run.
    pub fn allowance(&self) -> Allowance {
        let counters = self.counters();
        Sides::of(|side| {
            let most = self.most.get(side);
            most.map(|most| most.saturating_sub(counters.written(side)))
        })
    }

    fn locked(&self) -> MutexGuard<'_, Counters> {
        // Nothing that can panic happens under the lock.
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the providers' clocks stand.
    pub fn clocks(&self) -> Sides<ClockSkew> {
        Sides::of(|side| self.sides.get(side).clock.skew())
    }

    /// Keeps how they stand, for slices to come.
    pub async fn keep_clocks(&self) -> Result<(), Trouble> {
        for side in Side::BOTH {
            let account = self.connection.sides.get(side).account;
            let clock = &self.sides.get(side).clock;
            clock.keep(&self.scope, account).await?;
        }
        Ok(())
    }

    /// Tells those who watch how far the run is. Nobody's listening or not changes nothing.
    pub async fn tell(&self, state: RunState, phase: Phase) {
        announce(self.tools, self.run.id, state, self.counters(), phase).await;
    }
}

/// Tells those who watch where a run is.
pub async fn announce(
    tools: &Tools,
    run: RunId,
    state: RunState,
    counters: Counters,
    phase: Phase,
) {
    let event = ProgressEvent {
        run,
        state,
        counters,
        phase,
    };
    if let Err(error) = tools.progress.publish(&event).await {
        tracing::debug!(%error, "progress was not told");
    }
}

/// Both accounts, and the connection compiled against what they have.
struct Opened {
    sides: Sides<OpenSide>,
    policy: Policy,
    mapping: Mapping,
    /// Entries of it that rest.
    paused: Vec<PausedEntry>,
}

async fn open_both(
    tools: &Tools,
    scope: &Scope,
    connection: &Connection,
    held: &Arc<Held>,
) -> Result<Opened, Trouble> {
    let (a, b) = tokio::join!(
        open_side(tools, scope, connection, Side::A, held.clone()),
        open_side(tools, scope, connection, Side::B, held.clone())
    );
    let (a, b) = (a?, b?);
    let fields = Sides {
        a: a.1.fields.clone(),
        b: b.1.fields.clone(),
    };
    let mapping = match &connection.mapping {
        MappingChoice::Default => default_mapping(&fields, connection.direction),
        MappingChoice::Custom(mapping) => mapping.clone(),
    };
    let (policy, paused) = Policy::compile_rest(&PolicyInput {
        direction: connection.direction,
        conflict: connection.conflict,
        deletions: connection.deletions,
        on_leave: connection.on_leave,
        movable: &Sides {
            a: a.0.movable,
            b: b.0.movable,
        },
        mapping: &mapping,
        rules: &connection.rules,
        matching: &connection.matching,
        guards: connection.guards,
        fields: &fields,
        connection: connection.id,
        now: tools.clock.now(),
    })?;
    let mut sides = Sides { a: a.0, b: b.0 };
    for side in Side::BOTH {
        sides.get_mut(side).fields = policy.wanted(side);
    }
    Ok(Opened {
        sides,
        policy,
        mapping,
        paused,
    })
}

async fn open_side(
    tools: &Tools,
    scope: &Scope,
    connection: &Connection,
    side: Side,
    held: Arc<Held>,
) -> Result<(OpenSide, Arc<crate::shape::Shape>), Trouble> {
    let failed = |error| Trouble::Provider { side, error };
    let config = connection.sides.get(side);
    let (connector, session) = tools
        .accounts
        .open(connection.tenant, config.account)
        .await
        .map_err(|error| Trouble::Account { side, error })?;
    let clock = ClockWatch::new(&tools.clock, scope, config.account).await?;
    let clock = Arc::new(clock);
    let session = session.permitted_by(held).witnessed_by(clock.clone());
    let now = tools.clock.now();
    let shape = tools
        .shapes
        .of(connector.as_ref(), &session, now)
        .await
        .map_err(failed)?;
    let wanted = config.collection.as_deref();
    let collection = shape
        .collections
        .iter()
        .find(|collection| match wanted {
            Some(id) => collection.id == id,
            None => collection.default,
        })
        .ok_or_else(|| {
            tools.shapes.forget(config.account);
            Trouble::Config(format!(
                "side {side}: the collection `{}` is not there any more. Choose another one for the connection",
                wanted.unwrap_or("default")
            ))
        })?;
    let open = OpenSide {
        collection: collection.id.clone(),
        everything: collection.default,
        movable: collection.membership_writable && unlinks(connector.as_ref()),
        fields: Vec::new(),
        connector,
        session,
        clock,
    };
    Ok((open, shape))
}

fn unlinks(connector: &dyn Connector) -> bool {
    let deletions = &connector.definition().capabilities.deletions;
    deletions.contains(&DeletionPolicy::Unlink)
}
