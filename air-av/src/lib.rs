//! The fence around libav: the only crate of Air that names it, and the only one with `unsafe` media code.
//!
//! It opens local files ([`Demuxer`]), decodes them ([`VideoDecoder`], [`AudioDecoder`]), runs libavfilter graphs
//! ([`VideoGraph`], [`AudioGraph`]) and encodes ([`VideoEncoder`], [`AudioEncoder`]), handing out values that are
//! safe to keep, to clone cheaply and to send between threads. It holds no policy: which filters, which encoder
//! and which house format are the caller's to say. It opens no socket, starts no process and reads no clock
//! except to thin out log lines.
//!
//! The rules of the fence: a wrapper owns its pointer and frees it in `Drop`; every return code becomes an
//! [`Error`] in one function; `Send` and `Sync` are granted type by type, with the reason.

mod codec;
mod color;
mod decode;
mod demux;
mod encode;
mod error;
mod frame;
mod graph;
mod init;
mod interrupt;
mod io;
mod log;
mod memory;
mod packet;
mod picture;
mod rational;
mod samples;
mod stream;
mod version;

pub use color::{Color, ColorRange};
pub use decode::{AudioDecoder, VideoDecoder};
pub use demux::Demuxer;
pub use encode::{AudioEncoder, AudioEncoderConfig, VideoEncoder, VideoEncoderConfig};
pub use error::{Error, Result};
pub use graph::{AudioGraph, VideoGraph};
pub use interrupt::Interrupt;
pub use log::install as install_log;
pub use memory::keep_few_arenas;
pub use packet::Packet;
pub use picture::{Picture, PictureFormat, PictureMut, PixelFormat, Plane, PlaneMut};
pub use rational::{Rational, rescale_floor, rescale_nearest};
pub use samples::{SampleFormat, Samples, SamplesFormat};
pub use stream::{FieldOrder, MediaKind, StreamInfo};
pub use version::{Versions, configuration, encoder_exists, license, versions};

/// What may be kept by one thread and used by another, checked when compiled.
const _: () = {
    const fn sent<T: Send>() {}
    const fn shared<T: Send + Sync>() {}
    shared::<Interrupt>();
    shared::<StreamInfo>();
    shared::<Packet>();
    shared::<Picture>();
    shared::<Samples>();
    shared::<Error>();
    sent::<PictureMut>();
    sent::<Demuxer>();
    sent::<VideoDecoder>();
    sent::<AudioDecoder>();
    sent::<VideoGraph>();
    sent::<AudioGraph>();
    sent::<VideoEncoder>();
    sent::<AudioEncoder>();
};
