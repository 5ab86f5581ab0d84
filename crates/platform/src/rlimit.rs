//! The limit of open files of this process. Connections are files too.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to `target` or to the hard limit, whichever is less. Returns the new limit.
#[must_use]
pub fn allow(target: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = maximum.map_or(target, |most| target.min(most));
    if current.is_some_and(|current| current < raised) {
        // Without permission the present limit stays.
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
