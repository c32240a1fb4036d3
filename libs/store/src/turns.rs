//! Turns: in the simulation, transactions happen one after the other in an order that a seed decides, and a run can
//! be stopped between any two of them. Compiled out of the product; without a keeper on the thread it does nothing.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

/// Decides whose turn it is.
pub trait Keeper: Send + Sync {
    /// Joins the line at a place in the source; the number is given back with every later call.
    fn join(&self, file: &'static str, line: u32) -> u64;

    /// Ready once it is this one's turn. Whoever's turn it is goes on alone until `end`.
    fn poll(&self, turn: u64, cx: &mut Context<'_>) -> Poll<()>;

    /// The turn is over, or was given up.
    fn end(&self, turn: u64);
}

thread_local! {
    static KEEPER: RefCell<Option<Arc<dyn Keeper>>> = const { RefCell::new(None) };
}

/// Sets or removes this thread's keeper. A store whose transactions take turns is used by one thread only.
pub fn keep(keeper: Option<Arc<dyn Keeper>>) {
    KEEPER.with_borrow_mut(|slot| *slot = keeper);
}

/// A turn that is held until dropped.
pub(crate) struct Turn(Option<(Arc<dyn Keeper>, u64)>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((keeper, turn)) = self.0.take() {
            keeper.end(turn);
        }
    }
}

/// Waits for the turn of the transaction at a place in the source.
pub(crate) async fn take(file: &'static str, line: u32) -> Turn {
    let Some(keeper) = KEEPER.with_borrow(Clone::clone) else {
        return Turn(None);
    };
    let turn = keeper.join(file, line);
    let held = Turn(Some((Arc::clone(&keeper), turn)));
    std::future::poll_fn(|cx| keeper.poll(turn, cx)).await;
    held
}

/// Goes on with a transaction until it ends; this thread waits meanwhile: nobody else has anything to do while somebody
/// has the turn. It waits by giving way, to the database's thread on the same core: to sleep and to be woken costs more
/// than most statements do.
pub(crate) fn alone<T>(transaction: impl Future<Output = T>) -> T {
    let bell = Arc::new(Bell(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    let mut transaction = pin!(transaction);
    loop {
        if !bell.0.swap(false, Ordering::Acquire) {
            thread::yield_now();
        } else if let Poll::Ready(value) = transaction.as_mut().poll(&mut cx) {
            return value;
        }
    }
}

/// Rings when there is something to go on with.
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
