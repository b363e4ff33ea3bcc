//! Conforming: whatever a file holds becomes the channel's house format, before anything downstream sees it.
//!
//! Picture geometry and colour and sound rate and layout are libavfilter's work; *which* picture is due when
//! ([`cadence`]) and *how many* samples are due ([`audio`]) is ours.

pub mod audio;
pub mod cadence;
pub mod picture;
