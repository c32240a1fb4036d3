//! The threads that play histories.
//!
//! Each keeps to one core, and with it the thread of its store, which it starts and inherits that from: the two take turns
//! at every statement, thousands of times in a history, and waking a thread on another core costs more than most
//! statements do. Measured: 35 milliseconds of a core for a history instead of 47.

/// Does the same work on so many threads, and waits for all of them.
pub fn work(threads: usize, work: impl Fn() + Sync) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    std::thread::scope(|scope| {
        for index in 0..threads.max(1) {
            let core = cores.get(index % cores.len().max(1)).copied();
            let work = &work;
            scope.spawn(move || {
                // Where it cannot be had, the work is only slower.
                core.map(core_affinity::set_for_current);
                work();
            });
        }
    });
}
