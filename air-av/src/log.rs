//! libav's log lines, as `tracing` events under the target `libav`.
//!
//! Levels are lowered by what they mean to an operator: libav calls damage in a file an "error", which for a
//! playout engine is a warning, and talks about itself at "info". Lines are cut at 1 KiB and thinned out when
//! there are too many, for a damaged file can yield thousands a second.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Once};
use std::time::Instant;

use ffmpeg_sys_next as ff;
use tracing::Level;
use tracing::level_filters::LevelFilter;

const LINE_BYTES: usize = 1024;
const LINES_PER_SECOND: u64 = 50;

/// Sends libav's log to `tracing` instead of standard error, for the whole process. Once is enough; again does
/// nothing.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: the callback may be called from any thread, as libav asks, and stays for ever.
        unsafe { ff::av_log_set_callback(Some(callback)) }
    });
}

/// C's `va_list` as a parameter: an array on x86-64, which decays to a pointer, and a value elsewhere.
#[cfg(target_arch = "x86_64")]
type Arguments = *mut ff::__va_list_tag;
#[cfg(not(target_arch = "x86_64"))]
type Arguments = ff::va_list;

unsafe extern "C" fn callback(
    context: *mut c_void,
    av_level: c_int,
    format: *const c_char,
    arguments: Arguments,
) {
    thread_local! {
        /// Whether the next piece of text begins a line; libav asks us to keep it.
        static PRINT_PREFIX: Cell<c_int> = const { Cell::new(1) };
    }
    let Some(level) = level(av_level).filter(|level| *level <= LevelFilter::current()) else { return };
    // Whoever asks for debugging wants all of it; what damage says is what comes in thousands.
    if level <= Level::INFO && !BUDGET.spend() {
        return;
    }
    let mut line = [0 as c_char; LINE_BYTES];
    let mut print_prefix = PRINT_PREFIX.try_with(Cell::get).unwrap_or(1);
    // SAFETY: context, format and arguments are passed on as libav gave them, once; the size is the buffer's, and
    // the text is terminated within it.
    let text = unsafe {
        let (start, size) = (line.as_mut_ptr(), LINE_BYTES as c_int);
        ff::av_log_format_line2(context, av_level, format, arguments, start, size, &raw mut print_prefix);
        CStr::from_ptr(start)
    };
    let _ = PRINT_PREFIX.try_with(|prefix| prefix.set(print_prefix));
    // A subscriber's panic must not unwind into C.
    let _ = catch_unwind(|| emit(level, text.to_string_lossy().trim_end()));
}

/// libav's level as the operator's. "Verbose" and beyond is about libav itself and never comes through.
fn level(av_level: c_int) -> Option<Level> {
    const LEVELS: [(c_int, Level); 4] = [
        (ff::AV_LOG_FATAL, Level::ERROR),
        (ff::AV_LOG_ERROR, Level::WARN),
        (ff::AV_LOG_WARNING, Level::INFO),
        (ff::AV_LOG_INFO, Level::DEBUG),
    ];
    LEVELS.iter().find(|(most, _)| av_level <= *most).map(|(_, level)| *level)
}

fn emit(level: Level, text: &str) {
    match level {
        _ if text.is_empty() => {}
        Level::ERROR => tracing::error!(target: "libav", "{text}"),
        Level::WARN => tracing::warn!(target: "libav", "{text}"),
        Level::INFO => tracing::info!(target: "libav", "{text}"),
        _ => tracing::debug!(target: "libav", "{text}"),
    }
}

static BUDGET: Budget = Budget { second: AtomicU64::new(0), spent: AtomicU64::new(0) };

/// So many lines a second for the whole process. Approximate across threads, which is enough for a log.
struct Budget {
    second: AtomicU64,
    spent: AtomicU64,
}

impl Budget {
    fn spend(&self) -> bool {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        self.spend_at(START.elapsed().as_secs())
    }

    fn spend_at(&self, second: u64) -> bool {
        if self.second.swap(second, Ordering::Relaxed) != second {
            let dropped = self.spent.swap(0, Ordering::Relaxed).saturating_sub(LINES_PER_SECOND);
            if dropped > 0 {
                let _ = catch_unwind(|| tracing::warn!(target: "libav", dropped, "log lines left out"));
            }
        }
        self.spent.fetch_add(1, Ordering::Relaxed) < LINES_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_to_the_budget_of_each_second() {
        let budget = Budget { second: AtomicU64::new(0), spent: AtomicU64::new(0) };
        let passed = |second| (0..10_000).filter(|_| budget.spend_at(second)).count() as u64;
        assert_eq!(passed(0), LINES_PER_SECOND);
        assert_eq!(passed(1), LINES_PER_SECOND);
    }

    #[test]
    fn damage_in_a_file_warns_and_chatter_is_for_debugging() {
        assert_eq!(level(ff::AV_LOG_PANIC), Some(Level::ERROR));
        assert_eq!(level(ff::AV_LOG_ERROR), Some(Level::WARN));
        assert_eq!(level(ff::AV_LOG_INFO), Some(Level::DEBUG));
        assert_eq!(level(ff::AV_LOG_TRACE), None);
    }
}
