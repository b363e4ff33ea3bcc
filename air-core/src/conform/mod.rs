//! Conforming: whatever a file holds becomes the channel's house format, before anything downstream sees it.
//!
//! Picture geometry and colour and sound rate and layout are libavfilter's work; *which* picture is due when
//! ([`cadence`]), *how many* samples are due ([`audio`]) and what to make of their stamps is ours.

pub mod audio;
pub mod cadence;
mod color;
pub mod deinterlace;
pub mod geometry;
pub mod joints;
pub mod picture;
mod placement;
mod queue;
mod remix;
