//! Damaged and cut-off files play as far as they can be decoded, in order, to what is left of their end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::path::{Path, PathBuf};

use support::{Seen, folder, media, numbers, play};

const RATE: u32 = 25;
const FRAMES: usize = 200;
const CODING: &str = "PICTURE SOUND -t 8 -c:v libx264 -preset veryfast -bf 3 -g 25 -pix_fmt yuv420p -c:a aac";

/// The same pictures in each container, and what play shows of them undamaged.
fn files(folder: &Path) -> (Vec<PathBuf>, Vec<Seen>) {
    let first = media(folder.join("whole.mp4"), RATE, &format!("{CODING} -movflags +faststart"));
    let copy = |name: &str| media(folder.join(name), RATE, &format!("-i {} -c copy", first.display()));
    let files = vec![first.clone(), copy("whole.mkv"), copy("whole.ts")];
    let seen = play(&first, RATE, 0, usize::MAX).unwrap();
    assert_eq!(seen.len(), FRAMES);
    (files, seen)
}

fn damaged(file: &Path, name: &str, harm: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(file).unwrap();
    harm(&mut bytes);
    let path = file.with_file_name(format!("{name}-{}", file.file_name().unwrap().to_string_lossy()));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Intact pictures, each once and in order, but for those that are held in place of damaged ones.
fn assert_in_order(shown: &[Option<usize>], what: &str) {
    let intact: Vec<usize> = shown.iter().copied().flatten().collect();
    assert!(intact.is_sorted(), "{what}: {intact:?}");
}

/// FP-9, PAINS 5
#[test]
fn a_file_that_is_cut_off_plays_to_the_last_picture_it_has() {
    let folder = folder("damage-cut");
    let (files, seen) = files(&folder);
    for file in files {
        for percent in [35, 60, 90] {
            let cut =
                damaged(&file, &format!("cut{percent}"), |bytes| bytes.truncate(bytes.len() * percent / 100));
            let shown = numbers(&play(&cut, RATE, 0, usize::MAX).unwrap(), &seen);
            let what = cut.display().to_string();
            assert_in_order(&shown, &what);
            let last = shown.iter().copied().flatten().max().unwrap();
            // Bytes are not spread evenly over the pictures.
            assert!(last + 25 > FRAMES * percent / 100 && last < FRAMES, "{what} ends with {last}");
            assert_eq!(shown[..last - 5], (0..last - 5).map(Some).collect::<Vec<_>>(), "{what}");
        }
    }
}

/// FP-9, FP-12, L-34: one byte in a hundred packets' worth is wrong: no crash, no early end, no disorder.
#[test]
fn a_file_with_one_per_cent_damage_plays_to_its_end() {
    let folder = folder("damage-bytes");
    let (files, seen) = files(&folder);
    for file in files {
        for seed in 1..=3 {
            let hurt = damaged(&file, &format!("hurt{seed}"), |bytes| flip(bytes, seed));
            let played = play(&hurt, RATE, 0, usize::MAX).unwrap();
            let shown = numbers(&played, &seen);
            let what = hurt.display().to_string();
            assert_in_order(&shown, &what);
            let intact = shown.iter().flatten().count();
            assert!(
                shown.len() + 15 >= FRAMES && shown.len() <= FRAMES + 15,
                "{what}: {} frames",
                shown.len()
            );
            assert!(intact > FRAMES / 4, "{what}: {intact} intact pictures");
        }
    }
}

/// Changes one byte in each of one per cent of the 188-byte stretches, sparing the first tenth, where the headers are.
fn flip(bytes: &mut [u8], seed: u64) {
    let mut state = seed;
    let spared = bytes.len() / 10;
    for stretch in bytes[spared..].chunks_mut(188) {
        // Knuth's multiplier; the high bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = (state >> 33) as usize;
        if drawn.is_multiple_of(100) {
            let at = (drawn / 100) % stretch.len();
            stretch[at] ^= 0x55;
        }
    }
}
