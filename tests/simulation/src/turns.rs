//! Whose turn it is: every transaction and every call to a provider waits here, one goes on at a time, and the seed
//! says which. Between two turns a run can be stopped for good: that is what a crash is.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use syncline_store::turns::Keeper;

/// Where somebody waits: a file and line of the store, or an account and a method of its connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// A source file, or the method of a connector.
    pub what: &'static str,
    /// A line, or the number of the account.
    pub number: u32,
}

/// What shall happen at a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Go,
    /// The process dies before it.
    DieBefore,
    /// It takes effect, and the process dies before anyone hears of it.
    DieAfter,
}

/// How driving a worker ended.
#[derive(Debug)]
pub enum Driven<T> {
    /// It came to its end.
    Ended(T),
    /// It was stopped for good.
    Died,
    /// It waits for something that never happens.
    Stuck,
}

/// The line and who holds the turn.
#[derive(Default)]
pub struct Table(Mutex<Line>);

#[derive(Default)]
struct Line {
    closed: bool,
    joined: u64,
    waiting: BTreeMap<u64, Waiting>,
    holder: Option<u64>,
    /// The holder dies when its turn ends.
    fatal: bool,
    dead: bool,
}

struct Waiting {
    place: Place,
    waker: Option<Waker>,
}

impl Table {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn at a place. It is held until the answer is dropped.
    pub async fn turn(self: &Arc<Self>, place: Place) -> Held {
        let turn = self.join_at(place);
        let held = Held(Arc::clone(self), turn);
        std::future::poll_fn(|cx| self.poll(turn, cx)).await;
        held
    }

    fn join_at(&self, place: Place) -> u64 {
        let mut line = self.line();
        line.joined += 1;
        let turn = line.joined;
        if line.closed {
            let waiting = Waiting { place, waker: None };
            line.waiting.insert(turn, waiting);
        }
        turn
    }
}

/// A turn, held until dropped.
pub struct Held(Arc<Table>, u64);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

impl Keeper for Table {
    fn join(&self, file: &'static str, line: u32) -> u64 {
        self.join_at(Place {
            what: file,
            number: line,
        })
    }

    fn poll(&self, turn: u64, cx: &mut Context<'_>) -> Poll<()> {
        let mut line = self.line();
        if line.holder == Some(turn) || !line.closed {
            return Poll::Ready(());
        }
        if let Some(waiting) = line.waiting.get_mut(&turn) {
            waiting.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn end(&self, turn: u64) {
        let mut line = self.line();
        line.waiting.remove(&turn);
        if line.holder == Some(turn) {
            line.holder = None;
            line.dead |= line.fatal;
        }
    }
}

/// Wakes the runtime's task, and notes that the driven future has something to do.
struct Bell {
    rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.as_ref() {
            task.wake_by_ref();
        }
    }
}

/// Drives a worker's future turn by turn. `choose` says which of the places that wait (in a fixed order) goes next;
/// `judge` is told of each turn before it begins.
pub async fn drive<T>(
    table: &Arc<Table>,
    mut future: Pin<Box<dyn Future<Output = T> + '_>>,
    mut choose: impl FnMut(usize) -> usize,
    mut judge: impl FnMut(Place) -> Verdict,
) -> Driven<T> {
    let bell = Arc::new(Bell {
        rung: AtomicBool::new(true),
        task: Mutex::new(None),
    });
    {
        let mut line = table.line();
        *line = Line {
            closed: true,
            joined: line.joined,
            ..Line::default()
        };
    }
    let waker = Waker::from(Arc::clone(&bell));
    // The runtime has nothing else to do, so that it need not be given a turn now and then.
    let driven = tokio::task::unconstrained(std::future::poll_fn(|task| {
        *bell.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.waker().clone());
        loop {
            if bell.rung.swap(false, Ordering::SeqCst) {
                let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
                if table.line().dead {
                    return Poll::Ready(Driven::Died);
                }
                if let Poll::Ready(output) = polled {
                    return Poll::Ready(Driven::Ended(output));
                }
                continue;
            }
            let mut line = table.line();
            if line.holder.is_some() {
                // The database is at work; it rings.
                return Poll::Pending;
            }
            let mut ready: Vec<(Place, u64)> = line
                .waiting
                .iter()
                .map(|(turn, waiting)| (waiting.place, *turn))
                .collect();
            if ready.is_empty() {
                return Poll::Ready(Driven::Stuck);
            }
            ready.sort_unstable();
            let (place, turn) = ready[choose(ready.len()).min(ready.len() - 1)];
            drop(line);
            let verdict = judge(place);
            if verdict == Verdict::DieBefore {
                return Poll::Ready(Driven::Died);
            }
            line = table.line();
            line.holder = Some(turn);
            line.fatal = verdict == Verdict::DieAfter;
            let waker = line.waiting.remove(&turn).and_then(|waiting| waiting.waker);
            drop(line);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }))
    .await;
    drop(future);
    let mut line = table.line();
    *line = Line {
        joined: line.joined,
        ..Line::default()
    };
    drop(line);
    driven
}
