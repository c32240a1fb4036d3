//! Repeated items (two e-mail addresses, five telephone numbers) as a few named slots. Pure: which item is in which slot,
//! whatever the items look like on the wire.
//!
//! First each slot takes the first item of its own type; then the items left over, of any other type or none, fill the
//! slots left over, in slot order. Items beyond the slots have none.

/// A named place for one item.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Our field.
    pub field: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// The standard field that it answers to.
    pub standard: &'static str,
    /// Types of its own, best first; the first is what a new item gets. Empty where items have no type.
    pub types: &'static [&'static str],
    /// Whether items of other types may fill it.
    pub fills: bool,
}

/// A read-only field with every value that no slot has a place for.
#[derive(Clone, Copy, Debug)]
pub struct Beyond {
    /// Our field.
    pub field: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// The standard field that it answers to.
    pub standard: &'static str,
}

/// A slot that others may fill.
pub const fn slot(
    field: &'static str,
    label: &'static str,
    standard: &'static str,
    types: &'static [&'static str],
) -> Slot {
    Slot {
        field,
        label,
        standard,
        types,
        fills: true,
    }
}

/// An item, as far as its place depends on it.
pub trait Item {
    /// Whether it says anything.
    fn is_filled(&self) -> bool;
    /// Whether it is of a type.
    fn is_of(&self, kind: &str) -> bool;
    /// Whether it belongs into slots of its own type alone.
    fn is_apart(&self) -> bool {
        false
    }
}

/// Per slot, the index of the item in it.
pub fn allocate<T: Item>(slots: &[Slot], items: &[T]) -> Vec<Option<usize>> {
    let mut free: Vec<bool> = items.iter().map(Item::is_filled).collect();
    let mut take = |wanted: &dyn Fn(&T) -> bool| {
        let index = items
            .iter()
            .zip(&free)
            .position(|(item, free)| *free && wanted(item))?;
        if let Some(free) = free.get_mut(index) {
            *free = false;
        }
        Some(index)
    };
    let mut places: Vec<Option<usize>> = slots
        .iter()
        .map(|slot| {
            slot.types
                .iter()
                .find_map(|own| take(&|item| item.is_of(own)))
        })
        .collect();
    for (slot, place) in slots.iter().zip(&mut places) {
        if slot.fills && place.is_none() {
            *place = take(&|item| !item.is_apart());
        }
    }
    places
}
