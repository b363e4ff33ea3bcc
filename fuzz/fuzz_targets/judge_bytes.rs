//! Any bytes, cut anywhere: the judge never panics, and the cut makes no difference.
#![no_main]

use air_ts::{Judge, JudgeConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], u8)| {
    let (bytes, cut) = input;
    let mut whole = Judge::new(JudgeConfig::broadcast());
    whole.feed(bytes);
    let mut pieces = Judge::new(JudgeConfig::broadcast());
    bytes.chunks(usize::from(cut) + 1).for_each(|chunk| pieces.feed(chunk));
    assert_eq!(whole.finish(), pieces.finish());
});
