//! How many files this process may have open at once: connections are files too.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to `wanted`, as far as the hard one lets it. What the limit is then.
#[must_use]
pub fn allow(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = maximum.map_or(wanted, |most| wanted.min(most));
    if current.is_some_and(|current| current < raised) {
        // Where that is not allowed, what there is has to do.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_and_never_lowered() {
        let before = allow(0);
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let more = maximum.map_or(before + 1, |most| most.min(before + 1));
        assert_eq!(allow(more), more.max(before));
        assert!(allow(1) >= before);
    }
}
