//! Which due rows a turn chooses.

use super::{DueBatch, DueQueue, DueRow, QueueColumn, claims};
use crate::db::{Error, Tx};
use contracts::time::Timestamp;
use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
};

/// Chooses rows that are due and that nobody works on, `free` at most, and finds out when there may be others.
pub(super) async fn select<W: DueBatch>(
    tx: &mut Tx,
    worker: &'static str,
    claimed: &HashMap<W::Key, W::Partition>,
    share: Option<usize>,
    free: usize,
) -> Result<(Vec<DueRow<W::Key, W::Partition>>, Option<Timestamp>), Error> {
    // The claims are read before the rows.
    let others = if tx.is_shared() { claims::list_of_others(tx, worker).await? } else { Vec::new() };
    let end_of_claim = others.iter().map(|(_, until)| *until).min();
    let mut selection = Selection::new(claimed, others.into_iter().map(|(key, _)| key).collect(), share, free);
    let next = selection.fill(tx, &W::QUEUE).await?;
    Ok((selection.rows, next.into_iter().chain(end_of_claim).min()))
}

/// The rows that a turn chooses for its free slots.
struct Selection<Key, Partition> {
    claimed: HashSet<Key>,
    /// The rows that other processes work on, by their text.
    of_others: HashSet<String>,
    /// How many rows of each partition are claimed or chosen.
    counts: HashMap<Partition, usize>,
    share: Option<usize>,
    free: usize,
    rows: Vec<DueRow<Key, Partition>>,
}

impl<Key: QueueColumn + Display, Partition: QueueColumn> Selection<Key, Partition> {
    /// Leaves out the rows that this process works on, `claimed`, and those of others. No partition gets more than `share` slots.
    fn new(claimed: &HashMap<Key, Partition>, of_others: HashSet<String>, share: Option<usize>, free: usize) -> Selection<Key, Partition> {
        let mut counts = HashMap::new();
        if share.is_some() {
            claimed.values().for_each(|partition| *counts.entry(*partition).or_default() += 1);
        }
        Selection { claimed: claimed.keys().copied().collect(), of_others, counts, share, free, rows: Vec::new() }
    }

    /// Chooses the longest overdue rows. When a page has too few because partitions reached their share, the
    /// next page excludes these partitions: many rows of one never hide those of the others. Returns when the next row is due, as far
    /// as a turn before that could choose anything: it is not known while all slots are in use.
    async fn fill(&mut self, tx: &mut Tx, queue: &DueQueue<Key, Partition>) -> Result<Option<Timestamp>, Error> {
        loop {
            // Rows that are claimed are still due in the database, so the page holds them too.
            let page_size = self.free + self.claimed.len() + self.of_others.len();
            let (page, next) = queue.look(tx, &self.full_partitions(), page_size).await?;
            let (is_last, before) = (page.len() < page_size, self.rows.len());
            page.into_iter().for_each(|row| self.choose(row));
            if is_last || self.free == 0 || self.rows.len() == before {
                return Ok(next);
            }
        }
    }

    fn choose(&mut self, row: DueRow<Key, Partition>) {
        let has_share = |count: Option<&usize>| self.share.is_none_or(|share| count.is_none_or(|count| *count < share));
        if self.free == 0 || !self.of_others.is_empty() && self.of_others.contains(&row.key.to_string()) {
            return;
        }
        if has_share(self.counts.get(&row.partition)) && self.claimed.insert(row.key) {
            if self.share.is_some() {
                *self.counts.entry(row.partition).or_default() += 1;
            }
            self.free -= 1;
            self.rows.push(row);
        }
    }

    /// The partitions that hold as many slots as one may. Their shares add up to all slots at most, so they are few.
    fn full_partitions(&self) -> Vec<Partition> {
        let Some(share) = self.share else { return Vec::new() };
        self.counts.iter().filter(|(_, count)| **count >= share).map(|(partition, _)| *partition).collect()
    }
}
