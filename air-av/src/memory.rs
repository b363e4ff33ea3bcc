//! How much memory the C library keeps for threads that have gone.
//!
//! glibc gives threads that allocate at the same time arenas of their own, up to eight for each core, and what an arena
//! once needed stays with it. Each segment brings threads that decode it, and so a process that plays for days comes to
//! hold many times what it uses. With few arenas what one segment leaves, the next takes.

#[cfg(target_env = "gnu")]
use std::ffi::c_int;

/// From `malloc.h`.
#[cfg(target_env = "gnu")]
const M_ARENA_MAX: c_int = -8;

/// One for the threads that play, and one for whoever comes between.
#[cfg(target_env = "gnu")]
const ARENAS: c_int = 2;

/// Has this process keep to few arenas; whether that could be done. For programs that are nothing but an engine, before
/// they start threads: how a host divides its memory is the host's to say.
pub fn keep_few_arenas() -> bool {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        // SAFETY: it takes two integers, and glibc guards what it sets by a lock of its own.
        unsafe { mallopt(M_ARENA_MAX, ARENAS) == 1 }
    }
    #[cfg(not(target_env = "gnu"))]
    false
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_env = "gnu")]
    fn the_c_library_takes_the_limit() {
        assert!(super::keep_few_arenas());
    }
}
